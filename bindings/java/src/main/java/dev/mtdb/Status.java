// SPDX-License-Identifier: MIT
package dev.mtdb;

/** How a call of the library ended: an outcome, or a class of errors. What each means: the errors page of the docs. */
public enum Status {
    /** Status 0. */
    OK(0),
    /** Status 1. */
    DONE(1),
    /** Status 2. */
    MORE(2),
    /** Status 3. */
    TRUNCATED(3),
    /** Status 4. */
    NEEDS(4),
    /** Status -1. */
    INVALID_ARGUMENT(-1),
    /** Status -2. */
    INVALID_STATE(-2),
    /** Status -3. */
    CLOSED(-3),
    /** Status -4. */
    MISUSE(-4),
    /** Status -5. */
    NOT_FOUND(-5),
    /** Status -6. */
    EXISTS(-6),
    /** Status -7. */
    CONSTRAINT(-7),
    /** Status -8. */
    SERIALIZATION(-8),
    /** Status -9. */
    BUSY(-9),
    /** Status -10. */
    TIMEOUT(-10),
    /** Status -11. */
    CANCELLED(-11),
    /** Status -12. */
    AUTH(-12),
    /** Status -13. */
    PERMISSION(-13),
    /** Status -14. */
    UNAVAILABLE(-14),
    /** Status -15. */
    SQL_ERROR(-15),
    /** Status -16. */
    DISK_FULL(-16),
    /** Status -17. */
    IO(-17),
    /** Status -18. */
    READ_ONLY(-18),
    /** Status -19. */
    TX_LOST(-19),
    /** Status -20. */
    TENANT_UNKNOWN(-20),
    /** Status -21. */
    TENANT_OUTDATED(-21),
    /** Status -22. */
    TENANT_NEWER(-22),
    /** Status -23. */
    TENANT_HELD(-23),
    /** Status -24. */
    POOL_EXHAUSTED(-24),
    /** Status -25. */
    MIGRATION_CHECKSUM(-25),
    /** Status -26. */
    MIGRATION_FAILED(-26),
    /** Status -27. */
    MIGRATION_DIRTY(-27),
    /** Status -28. */
    MIGRATION_LOCKED(-28),
    /** Status -29. */
    UNSUPPORTED(-29),
    /** Status -30. */
    LIMIT(-30),
    /** Status -31. */
    CORRUPT(-31),
    /** Status -32. */
    NOMEM(-32),
    /** Status -33. */
    FORKED(-33),
    /** Status -34. */
    INTERNAL(-34),
    /** A number of a newer library; the failure has it. */
    UNKNOWN(Integer.MIN_VALUE);

    private final int number;

    Status(int number) {
        this.number = number;
    }

    /**
     * The library's number.
     *
     * @return 0, an outcome above, an error class below
     */
    public int number() {
        return number;
    }

    /**
     * The status with a number.
     *
     * @param number the library's
     * @return the status, UNKNOWN for a number of a newer library
     */
    public static Status of(int number) {
        for (Status status : values()) if (status.number == number) return status;
        return UNKNOWN;
    }
}
