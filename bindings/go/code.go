// SPDX-License-Identifier: MIT

package mtdb

import (
	"fmt"

	"github.com/mtdb/mtdb/bindings/go/internal/raw"
)

// Code is the class of an error. It is an error itself, so that errors.Is(err, mtdb.CodeBusy) tells one class.
type Code int32

// The classes. The numbers are final; a newer library may have more.
const (
	CodeInvalidArgument   = Code(raw.MTDB_INVALID_ARGUMENT)   // a parameter is wrong
	CodeInvalidState      = Code(raw.MTDB_INVALID_STATE)      // the right call at the wrong moment
	CodeClosed            = Code(raw.MTDB_CLOSED)             // the thing, or its db, was closed
	CodeMisuse            = Code(raw.MTDB_MISUSE)             // two goroutines in one lease, statement or rows
	CodeNotFound          = Code(raw.MTDB_NOT_FOUND)          // no such folder, parameter, savepoint, script
	CodeExists            = Code(raw.MTDB_EXISTS)             // it is there already
	CodeConstraint        = Code(raw.MTDB_CONSTRAINT)         // a constraint refused the data
	CodeSerialization     = Code(raw.MTDB_SERIALIZATION)      // run the whole transaction again
	CodeBusy              = Code(raw.MTDB_BUSY)               // something else has it
	CodeTimeout           = Code(raw.MTDB_TIMEOUT)            // the deadline came
	CodeCancelled         = Code(raw.MTDB_CANCELLED)          // the context was cancelled, or the db was closed
	CodeAuth              = Code(raw.MTDB_AUTH)               // the server refused the credentials
	CodePermission        = Code(raw.MTDB_PERMISSION)         // not allowed
	CodeUnavailable       = Code(raw.MTDB_UNAVAILABLE)        // the database cannot be reached, or was lost
	CodeSQL               = Code(raw.MTDB_SQL_ERROR)          // the engine refuses the statement
	CodeDiskFull          = Code(raw.MTDB_DISK_FULL)          // no space left
	CodeIO                = Code(raw.MTDB_IO)                 // reading or writing failed
	CodeReadOnly          = Code(raw.MTDB_READ_ONLY)          // a write where nothing may be written
	CodeTxLost            = Code(raw.MTDB_TX_LOST)            // the transaction ended behind the caller's back
	CodeTenantUnknown     = Code(raw.MTDB_TENANT_UNKNOWN)     // there is no such tenant
	CodeTenantOutdated    = Code(raw.MTDB_TENANT_OUTDATED)    // scripts are pending
	CodeTenantNewer       = Code(raw.MTDB_TENANT_NEWER)       // its history is newer than the scripts
	CodeTenantHeld        = Code(raw.MTDB_TENANT_HELD)        // a hold or a quiesce flag stands before it
	CodePoolExhausted     = Code(raw.MTDB_POOL_EXHAUSTED)     // no connection came free in time
	CodeMigrationChecksum = Code(raw.MTDB_MIGRATION_CHECKSUM) // an applied script was edited
	CodeMigrationFailed   = Code(raw.MTDB_MIGRATION_FAILED)   // a script failed
	CodeMigrationDirty    = Code(raw.MTDB_MIGRATION_DIRTY)    // an earlier run broke off
	CodeMigrationLocked   = Code(raw.MTDB_MIGRATION_LOCKED)   // another process migrates this tenant
	CodeUnsupported       = Code(raw.MTDB_UNSUPPORTED)        // this backend or build cannot
	CodeLimit             = Code(raw.MTDB_LIMIT)              // a size is beyond a limit
	CodeCorrupt           = Code(raw.MTDB_CORRUPT)            // the file is damaged or no database
	CodeNoMemory          = Code(raw.MTDB_NOMEM)              // no memory
	CodeForked            = Code(raw.MTDB_FORKED)             // the handle is the parent process's
	CodeInternal          = Code(raw.MTDB_INTERNAL)           // a mistake of the library
)

// String is the class's name, such as "TENANT_UNKNOWN".
func (c Code) String() string {
	buf, needed, err := make([]byte, 64), int64(0), uintptr(0)
	if raw.Mtdb_status_text(int32(c), buf, &needed, &err) != raw.MTDB_OK {
		raw.Mtdb_error_release(err)
		return fmt.Sprintf("status %d", int32(c))
	}
	return string(buf[:needed])
}

// Error is the class's name.
func (c Code) Error() string { return c.String() }

// Effect tells what a failed call did to the data.
type Effect string

// What a failed call did.
const (
	EffectNone       = Effect("none")        // nothing was written
	EffectRolledBack = Effect("rolled_back") // the transaction was undone
	EffectCommitted  = Effect("committed")   // what was written before the failure is committed
	EffectUnknown    = Effect("unknown")     // it cannot be known: read before you write again
)
