// SPDX-License-Identifier: MIT

package mtdb

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/mtdb/mtdb/bindings/go/internal/raw"
)

// Error is what every failed call returns. It never holds a secret or a whole SQL text.
type Error struct {
	Code      Code   `json:"status"`
	Message   string `json:"message"`
	SQLState  string `json:"sqlstate"` // always five characters
	Engine    string `json:"engine"`   // "sqlite", "postgres", "mysql", "echo", or "mtdb"
	Native    int64  `json:"native"`   // the engine's own code, or 0
	Effect    Effect `json:"effect"`   // what became of the data
	Retryable bool   `json:"-"`        // the same call may succeed later, and nothing was written
	Tenant    string `json:"tenant"`
	Script    string `json:"script"`    // the migration script, or empty
	Statement int64  `json:"statement"` // of a script or batch, from 1; 0: none
	Line      int64  `json:"line"`      // from 1; 0: unknown
	Column    int64  `json:"column"`    // in characters from 1; 0: unknown
	Limit     string `json:"limit"`     // the option that was reached, or empty

	cause error // the context's error, when it ended the call
}

// MigrationError is an [Error] of a migration: of the classes MIGRATION_…, TENANT_OUTDATED and TENANT_NEWER.
type MigrationError struct {
	Failure *Error
}

// Error is the failure's message.
func (e *MigrationError) Error() string { return e.Failure.Error() }

// Unwrap gives the failure.
func (e *MigrationError) Unwrap() error { return e.Failure }

type sentinel struct {
	text  string
	codes []Code
}

func (s *sentinel) Error() string { return "mtdb: " + s.text }

// What errors.Is can ask an error of this package besides its [Code].
var (
	ErrInvalid       error = &sentinel{"invalid argument", []Code{CodeInvalidArgument}}
	ErrNotFound      error = &sentinel{"not found", []Code{CodeNotFound}}
	ErrExists        error = &sentinel{"exists", []Code{CodeExists}}
	ErrTxLost        error = &sentinel{"transaction lost", []Code{CodeTxLost}}
	ErrLimit         error = &sentinel{"limit reached", []Code{CodeLimit}}
	ErrTenantUnknown error = &sentinel{"no such tenant", []Code{CodeTenantUnknown}}
	ErrTenantHeld    error = &sentinel{"tenant held", []Code{CodeTenantHeld}}
	ErrTenantVersion error = &sentinel{"tenant outdated or newer", []Code{CodeTenantOutdated, CodeTenantNewer}}
	ErrUnsupported   error = &sentinel{"unsupported", []Code{CodeUnsupported}}

	// ErrNoTenant: the context of a call names no tenant; see [WithTenant].
	ErrNoTenant error = &Error{Code: CodeInvalidArgument, Message: "the context names no tenant: mtdb.WithTenant",
		SQLState: "22023", Engine: "mtdb", Effect: EffectNone}
	// ErrOtherTenant: the context of a call within a transaction or lease names another tenant than that one's.
	ErrOtherTenant error = &Error{Code: CodeInvalidArgument,
		Message: "the context names another tenant than the transaction's", SQLState: "22023", Engine: "mtdb",
		Effect: EffectNone}
)

// Error is the message, with the tenant and the place where they are known.
func (e *Error) Error() string {
	text := "mtdb: " + e.Message
	if e.Tenant != "" {
		text += " (tenant " + e.Tenant + ")"
	}
	if e.Line > 0 {
		text += fmt.Sprintf(" (line %d, column %d)", e.Line, e.Column)
	}
	return text
}

// Unwrap gives the context's error when that ended the call.
func (e *Error) Unwrap() error { return e.cause }

// Is matches sentinels of this package, codes, and the standard library's errors that mean the same.
func (e *Error) Is(target error) bool {
	switch target := target.(type) {
	case Code:
		return e.Code == target
	case *sentinel:
		return slices.Contains(target.codes, e.Code)
	}
	switch target {
	case context.DeadlineExceeded:
		return e.Code == CodeTimeout
	case context.Canceled:
		return e.Code == CodeCancelled && e.cause == nil
	case sql.ErrConnDone:
		return e.Code == CodeClosed || e.Code == CodeInvalidState
	case driver.ErrBadConn:
		return e.Code == CodeUnavailable && e.Effect == EffectNone && e.Retryable
	}
	return false
}

// RetryAfter tells whether the same call may succeed later, and how long to wait before it.
func (e *Error) RetryAfter() (time.Duration, bool) {
	switch {
	case !e.Retryable:
		return 0, false
	case e.Code == CodeTenantHeld:
		return time.Second, true
	case e.Code == CodeUnavailable:
		return 200 * time.Millisecond, true
	}
	return 10 * time.Millisecond, true
}

// Retryable tells whether an error says that the same call may succeed later, nothing having been written.
func Retryable(err error) bool {
	var failed *Error
	return errors.As(err, &failed) && failed.Retryable
}

// failure makes an error of a status; it takes the handle over. A positive status is none.
func failure(status int32, handle uintptr) error { return failureIn(nil, status, handle) }

// failureIn also tells whether the context is what ended the call.
func failureIn(ctx context.Context, status int32, handle uintptr) error {
	if status >= 0 {
		if handle != 0 {
			raw.Mtdb_error_release(handle)
		}
		return nil
	}
	failed := readError(status, handle)
	if ctx != nil && over(ctx) != nil && waits(failed.Code) {
		failed.cause = over(ctx)
		if failed.Code == CodeCancelled && errors.Is(failed.cause, context.DeadlineExceeded) {
			// The context told the library before its own clock did.
			failed.Code = CodeTimeout
			failed.Retryable = failed.Effect == EffectNone || failed.Effect == EffectRolledBack
		}
	}
	if failed.Code == CodeMisuse && strict {
		panic(failed)
	}
	return classed(failed)
}

// over is why a context has ended, also when its deadline has passed and its timer has not said so yet.
func over(ctx context.Context) error {
	if ctx.Err() != nil {
		return ended(ctx)
	}
	if deadline, ok := ctx.Deadline(); ok && !time.Now().Before(deadline) {
		return context.DeadlineExceeded
	}
	return nil
}

// waits tells whether a class can be what a context's end makes of a call: it was waiting for something.
func waits(code Code) bool {
	switch code {
	case CodeCancelled, CodeTimeout, CodePoolExhausted, CodeTenantHeld, CodeBusy, CodeMigrationLocked:
		return true
	}
	return false
}

// classed is the error as the class of its code has it.
func classed(failed *Error) error {
	switch failed.Code {
	case CodeMigrationChecksum, CodeMigrationFailed, CodeMigrationDirty, CodeMigrationLocked, CodeTenantOutdated,
		CodeTenantNewer:
		return &MigrationError{failed}
	}
	return failed
}

// UnmarshalJSON reads the library's own form of an error.
func (e *Error) UnmarshalJSON(text []byte) error {
	type plain Error // without this method
	facts := struct {
		*plain
		Retryable int `json:"retryable"`
	}{plain: (*plain)(e)}
	if err := json.Unmarshal(text, &facts); err != nil {
		return err
	}
	e.Retryable = facts.Retryable != 0
	return nil
}

func readError(status int32, handle uintptr) *Error {
	failed := &Error{Code: Code(status), Message: Code(status).String(), SQLState: "HY000", Engine: "mtdb",
		Effect: EffectUnknown}
	if handle == 0 {
		return failed
	}
	defer raw.Mtdb_error_release(handle)
	text := make([]byte, 1024)
	needed := int64(0)
	if raw.Mtdb_error_json(handle, text, &needed) == raw.MTDB_TRUNCATED {
		text = make([]byte, needed)
		raw.Mtdb_error_json(handle, text, &needed)
	}
	_ = failed.UnmarshalJSON(text[:min(needed, int64(len(text)))]) // What is not read keeps what it is above.
	failed.Code = Code(status)
	return failed
}

// invalid is an error about an argument that this package refuses itself.
func invalid(format string, values ...any) error {
	return refused(CodeInvalidArgument, "22023", format, values...)
}

func refused(code Code, state, format string, values ...any) error {
	return &Error{Code: code, Message: fmt.Sprintf(format, values...), SQLState: state, Engine: "mtdb",
		Effect: EffectNone}
}

func errClosed(what string) error { return refused(CodeClosed, "08003", "the %s was closed", what) }
