// SPDX-License-Identifier: MIT

package mtdb

import (
	"context"
	"runtime"
	"time"

	"github.com/mtdb/mtdb/bindings/go/internal/raw"
)

// Quiesce is a handle to the flags that pause a whole deployment, kept in a database that its processes share. Scopes:
// "global" or empty, "server:NAME", "group:NAME", "tenant:NAME". What is guaranteed: docs/quiesce.md.
type Quiesce struct {
	db     *DB
	handle uintptr
}

// Quiesce makes a handle to the flags of a store. Options are of scope "quiesce", [WithQuiesceStore] above all. Nothing
// is opened yet.
func (db *DB) Quiesce(options ...Option) (*Quiesce, error) {
	q := &Quiesce{db: db}
	failed := withOptions(options, func(handle uintptr) error {
		var out, err uintptr
		status := raw.Mtdb_quiesce_new(db.handle, handle, &out, &err)
		q.handle = out
		return failure(status, err)
	})
	runtime.KeepAlive(db)
	if failed != nil {
		return nil, failed
	}
	runtime.AddCleanup(q, raw.Mtdb_quiesce_release, q.handle)
	return q, nil
}

func (q *Quiesce) call(ctx context.Context, call func(timeoutMS int64, cancel uintptr, err *uintptr) int32) error {
	_, err := waiting(ctx, call)
	runtime.KeepAlive(q)
	return err
}

// Create makes the tables that are missing.
func (q *Quiesce) Create(ctx context.Context) error {
	return q.call(ctx, func(timeout int64, cancel uintptr, err *uintptr) int32 {
		return raw.Mtdb_quiesce_create(q.handle, timeout, cancel, err)
	})
}

// Enable makes the db obey the flags until it is closed.
func (q *Quiesce) Enable(ctx context.Context) error {
	return q.call(ctx, func(timeout int64, cancel uintptr, err *uintptr) int32 {
		return raw.Mtdb_quiesce_enable(q.handle, timeout, cancel, err)
	})
}

// FlagRequest is what a flag is set with.
type FlagRequest struct {
	By, Reason string
	TTL        time.Duration // 0: 30 minutes; at most 2 hours
	Force      bool          // takes over an active flag
}

// Flag is a flag that was set, with its owner's token: without it nobody renews or clears the flag unless forced.
type Flag struct {
	Scope, Token string
	Granted      time.Duration // may be less than was asked for
}

// Set sets the flag of a scope. An active one stays, and is [ErrExists], unless forced.
func (q *Quiesce) Set(ctx context.Context, scope string, request FlagRequest) (Flag, error) {
	token, needed, granted := make([]byte, 128), int64(0), int64(0)
	force := int32(0)
	if request.Force {
		force = 1
	}
	failed := q.call(ctx, func(timeout int64, cancel uintptr, err *uintptr) int32 {
		return raw.Mtdb_quiesce_set(q.handle, scope, request.By, request.Reason, milliseconds(request.TTL), force,
			timeout, cancel, token, &needed, &granted, err)
	})
	if failed != nil {
		return Flag{}, failed
	}
	return Flag{scope, string(token[:needed]), time.Duration(granted) * time.Millisecond}, nil
}

// Renew moves the end of an active flag to so long from now. An empty token is the one that this handle got.
func (q *Quiesce) Renew(ctx context.Context, scope, token string, ttl time.Duration) (time.Duration, error) {
	var granted int64
	failed := q.call(ctx, func(timeout int64, cancel uintptr, err *uintptr) int32 {
		return raw.Mtdb_quiesce_renew(q.handle, scope, token, milliseconds(ttl), timeout, cancel, &granted, err)
	})
	return time.Duration(granted) * time.Millisecond, failed
}

// Clear clears a flag: an active one with its owner's token, which may be empty for this handle's own, or by force.
func (q *Quiesce) Clear(ctx context.Context, scope, by, token string, force bool) error {
	forced := int32(0)
	if force {
		forced = 1
	}
	return q.call(ctx, func(timeout int64, cancel uintptr, err *uintptr) int32 {
		return raw.Mtdb_quiesce_clear(q.handle, scope, by, token, forced, timeout, cancel, err)
	})
}

// FlagInfo is a flag as the store has it. Times that are not there are zero.
type FlagInfo struct {
	Scope, State, By, Reason, Owner string // state: none, active, expired, cleared; owner: self, other, none
	SetAt, ExpiresAt, ClearedAt     time.Time
}

// Flags reads the flag of a scope, or with "" all uncleared ones and the global one.
func (q *Quiesce) Flags(ctx context.Context, scope string) ([]FlagInfo, error) {
	defer runtime.KeepAlive(q)
	rows, err := q.db.result(ctx, func(timeout int64, cancel uintptr, out, err *uintptr) int32 {
		return raw.Mtdb_quiesce_query(q.handle, scope, timeout, cancel, out, err)
	})
	return Collect(rows, err, func(r *Rows) (FlagInfo, error) {
		moment := func(column int) (t time.Time) {
			if !r.Null(column) {
				t = time.UnixMicro(r.Int64(column)).UTC()
			}
			return t
		}
		return FlagInfo{Scope: r.Text(0), State: r.Text(1), SetAt: moment(2), By: r.Text(3), Reason: r.Text(4),
			ExpiresAt: moment(5), ClearedAt: moment(6), Owner: r.Text(7)}, nil
	})
}

var flagStates = [...]string{"none", "active", "expired", "cleared"}

// Watch waits until a flag has changed since the stamp that the last call gave, which is 0 at first. Without a change
// until the context's deadline, changed is false.
func (q *Quiesce) Watch(ctx context.Context, scope string, since int64) (stamp int64, state string, changed bool,
	failed error) {
	var number int32
	status, failed := waiting(ctx, func(timeout int64, cancel uintptr, err *uintptr) int32 {
		return raw.Mtdb_quiesce_watch(q.handle, scope, since, timeout, cancel, &stamp, &number, err)
	})
	runtime.KeepAlive(q)
	if failed == nil && int(number) < len(flagStates) {
		state = flagStates[number]
	}
	return stamp, state, status == raw.MTDB_OK && failed == nil, failed
}

// Process is a process that obeys a flag.
type Process struct {
	Name, Host string
	PID        int64
	State      string // parked; gone: its announcement ended meanwhile
}

// WaitParked waits until every process that obeys an active flag has parked: it has no lease out and grants none.
func (q *Quiesce) WaitParked(ctx context.Context, scope string) ([]Process, error) {
	defer runtime.KeepAlive(q)
	rows, err := q.db.result(ctx, func(timeout int64, cancel uintptr, out, err *uintptr) int32 {
		return raw.Mtdb_quiesce_wait_parked(q.handle, scope, timeout, cancel, out, err)
	})
	return Collect(rows, err, func(r *Rows) (Process, error) {
		return Process{r.Text(0), r.Text(1), r.Int64(2), r.Text(3)}, nil
	})
}

// Close ends the use of this handle. A db that was enabled with it goes on obeying until it is closed. Idempotent.
func (q *Quiesce) Close() error {
	var err uintptr
	defer runtime.KeepAlive(q)
	return failure(raw.Mtdb_quiesce_close(q.handle, &err), err)
}
