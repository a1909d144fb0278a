// SPDX-License-Identifier: MIT
package dev.mtdb;

/** What a failed call did to the data. */
public enum Effect {
    /** Nothing was written. */
    NONE,
    /** The transaction was undone. */
    ROLLED_BACK,
    /** What was written before the failure is committed. */
    COMMITTED,
    /** It cannot be known: read before you write again. */
    UNKNOWN;

    /**
     * The effect with a number.
     *
     * @param number the library's, 0 to 3
     * @return the effect; UNKNOWN for any other number
     */
    public static Effect of(int number) {
        return number >= 0 && number < UNKNOWN.ordinal() ? values()[number] : UNKNOWN;
    }
}
