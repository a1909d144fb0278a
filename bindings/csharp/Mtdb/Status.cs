// SPDX-License-Identifier: MIT

using Mtdb.Raw;

namespace Mtdb {
    /// <summary>The outcome of a call: 0 or more is no error. Newer libraries may have other numbers.</summary>
    public enum Status {
        /// <summary>Done.</summary>
        Ok = Native.MTDB_OK,
        /// <summary>Nothing more.</summary>
        Done = Native.MTDB_DONE,
        /// <summary>There is more to do.</summary>
        More = Native.MTDB_MORE,
        /// <summary>A buffer was too small.</summary>
        Truncated = Native.MTDB_TRUNCATED,
        /// <summary>The library asks the program.</summary>
        Needs = Native.MTDB_NEEDS,
        /// <summary>A parameter is wrong.</summary>
        InvalidArgument = Native.MTDB_INVALID_ARGUMENT,
        /// <summary>The right call at the wrong moment.</summary>
        InvalidState = Native.MTDB_INVALID_STATE,
        /// <summary>The thing, or its db, was closed.</summary>
        Closed = Native.MTDB_CLOSED,
        /// <summary>Two threads entered one lease.</summary>
        Misuse = Native.MTDB_MISUSE,
        /// <summary>There is no such thing.</summary>
        NotFound = Native.MTDB_NOT_FOUND,
        /// <summary>It is there already.</summary>
        Exists = Native.MTDB_EXISTS,
        /// <summary>A constraint refused the data.</summary>
        Constraint = Native.MTDB_CONSTRAINT,
        /// <summary>The transaction cannot be ordered with others.</summary>
        Serialization = Native.MTDB_SERIALIZATION,
        /// <summary>Something else has it.</summary>
        Busy = Native.MTDB_BUSY,
        /// <summary>The deadline came.</summary>
        Timeout = Native.MTDB_TIMEOUT,
        /// <summary>It was cancelled.</summary>
        Cancelled = Native.MTDB_CANCELLED,
        /// <summary>The server refused the credentials.</summary>
        Auth = Native.MTDB_AUTH,
        /// <summary>Not allowed.</summary>
        Permission = Native.MTDB_PERMISSION,
        /// <summary>The database cannot be reached.</summary>
        Unavailable = Native.MTDB_UNAVAILABLE,
        /// <summary>The engine refuses the statement.</summary>
        SqlError = Native.MTDB_SQL_ERROR,
        /// <summary>No space left.</summary>
        DiskFull = Native.MTDB_DISK_FULL,
        /// <summary>Reading or writing failed.</summary>
        Io = Native.MTDB_IO,
        /// <summary>A write where only reading is allowed.</summary>
        ReadOnly = Native.MTDB_READ_ONLY,
        /// <summary>The transaction ended behind the caller's back.</summary>
        TxLost = Native.MTDB_TX_LOST,
        /// <summary>There is no such tenant.</summary>
        TenantUnknown = Native.MTDB_TENANT_UNKNOWN,
        /// <summary>Scripts are pending.</summary>
        TenantOutdated = Native.MTDB_TENANT_OUTDATED,
        /// <summary>The tenant is newer than the scripts.</summary>
        TenantNewer = Native.MTDB_TENANT_NEWER,
        /// <summary>A hold or a quiesce flag stands before the tenant.</summary>
        TenantHeld = Native.MTDB_TENANT_HELD,
        /// <summary>No connection came free in time.</summary>
        PoolExhausted = Native.MTDB_POOL_EXHAUSTED,
        /// <summary>An applied script was edited.</summary>
        MigrationChecksum = Native.MTDB_MIGRATION_CHECKSUM,
        /// <summary>A script failed.</summary>
        MigrationFailed = Native.MTDB_MIGRATION_FAILED,
        /// <summary>An earlier run broke off.</summary>
        MigrationDirty = Native.MTDB_MIGRATION_DIRTY,
        /// <summary>Another process migrates this tenant.</summary>
        MigrationLocked = Native.MTDB_MIGRATION_LOCKED,
        /// <summary>This backend or build cannot.</summary>
        Unsupported = Native.MTDB_UNSUPPORTED,
        /// <summary>A size is beyond what the backend or an option takes.</summary>
        Limit = Native.MTDB_LIMIT,
        /// <summary>The file is damaged or no database.</summary>
        Corrupt = Native.MTDB_CORRUPT,
        /// <summary>No memory.</summary>
        NoMemory = Native.MTDB_NOMEM,
        /// <summary>The handle belongs to the parent process.</summary>
        Forked = Native.MTDB_FORKED,
        /// <summary>A mistake of the library.</summary>
        Internal = Native.MTDB_INTERNAL
    }

    /// <summary>What a failed call did to the data.</summary>
    public enum Effect {
        /// <summary>Nothing was written.</summary>
        None = Native.MTDB_EFFECT_NONE,
        /// <summary>The transaction was undone.</summary>
        RolledBack = Native.MTDB_EFFECT_ROLLED_BACK,
        /// <summary>What was written before the failure is committed.</summary>
        Committed = Native.MTDB_EFFECT_COMMITTED,
        /// <summary>It cannot be known: read before you write again.</summary>
        Unknown = Native.MTDB_EFFECT_UNKNOWN
    }

    /// <summary>Names of statuses.</summary>
    public static class Statuses {
        /// <summary>The library's own name of a status: "TENANT_UNKNOWN"; "UNKNOWN" for a number that it does not
        /// know.</summary>
        public static string Name(int status) {
            Library.Load();
            return Utf8.Filled((System.IntPtr buffer, long capacity, out long needed, out System.IntPtr error) =>
                Native.mtdb_status_text(status, buffer, capacity, out needed, out error));
        }
    }
}
