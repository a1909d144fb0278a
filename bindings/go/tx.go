// SPDX-License-Identifier: MIT

package mtdb

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/mtdb/mtdb/bindings/go/internal/raw"
)

// Tx is a transaction of a lease. It ends with Commit or Rollback; a lease that is closed before is rolled back.
type Tx struct {
	conn  *Conn
	owned bool // the lease is given back with the transaction
	over  bool
}

// Begin begins a transaction on the lease, which has at most one. Options are of scope "tx": [WithTxReadOnly],
// [WithTxIsolation], [WithTxImmediate].
func (c *Conn) Begin(ctx context.Context, options ...Option) (*Tx, error) {
	err := withOptions(options, func(handle uintptr) error {
		return c.call(ctx, func(timeout int64, cancel uintptr, err *uintptr) int32 {
			return raw.Mtdb_tx_begin(c.handle, handle, timeout, cancel, err)
		})
	})
	if err != nil {
		return nil, err
	}
	return &Tx{conn: c}, nil
}

// Begin begins a transaction on a lease of the context's tenant; the lease is given back with the transaction.
func (db *DB) Begin(ctx context.Context, options ...Option) (*Tx, error) {
	conn, err := db.Acquire(ctx)
	if err != nil {
		return nil, err
	}
	tx, err := conn.Begin(ctx, options...)
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	tx.owned = true
	return tx, nil
}

// Conn is the transaction's lease.
func (t *Tx) Conn() *Conn { return t.conn }

// Tenant is the tenant that the transaction is in.
func (t *Tx) Tenant() string { return t.conn.tenant }

func (t *Tx) live() error {
	if t.over {
		return refused(CodeInvalidState, "08003", "the transaction has ended")
	}
	return nil
}

// Exec runs one statement in the transaction.
func (t *Tx) Exec(ctx context.Context, query string, args ...any) (Result, error) {
	if err := t.live(); err != nil {
		return Result{}, err
	}
	return t.conn.Exec(ctx, query, args...)
}

// Query runs one statement in the transaction and returns its rows.
func (t *Tx) Query(ctx context.Context, query string, args ...any) (*Rows, error) {
	if err := t.live(); err != nil {
		return nil, err
	}
	return t.conn.Query(ctx, query, args...)
}

// QueryRow runs one statement in the transaction for its first row.
func (t *Tx) QueryRow(ctx context.Context, query string, args ...any) *Row {
	rows, err := t.Query(ctx, query, args...)
	return &Row{rows, err}
}

// Script runs a text of several statements in the transaction.
func (t *Tx) Script(ctx context.Context, text string) (statements int64, err error) {
	if err := t.live(); err != nil {
		return 0, err
	}
	return t.conn.Script(ctx, text)
}

// ExecRows runs one statement once per row in the transaction.
func (t *Tx) ExecRows(ctx context.Context, query string, rows [][]any) (affected int64, err error) {
	if err := t.live(); err != nil {
		return 0, err
	}
	return t.conn.ExecRows(ctx, query, rows)
}

// Commit commits. When it fails, the error's effect says what became of the transaction; one that failed for a deferred
// constraint is still open.
func (t *Tx) Commit(ctx context.Context) error {
	if err := t.live(); err != nil {
		return err
	}
	err := t.conn.call(ctx, func(timeout int64, cancel uintptr, err *uintptr) int32 {
		return raw.Mtdb_tx_commit(t.conn.handle, timeout, cancel, err)
	})
	if err != nil {
		return err
	}
	return t.end()
}

// Rollback rolls back, also a lost transaction. After the end of the transaction it does nothing.
func (t *Tx) Rollback() error {
	if t.over {
		return nil
	}
	err := t.conn.rollback()
	return errors.Join(err, t.end())
}

func (c *Conn) rollback() error {
	if err := c.open(); err != nil {
		return err
	}
	defer c.leave()
	var err uintptr
	return failure(raw.Mtdb_tx_rollback(c.handle, &err), err)
}

func (t *Tx) end() error {
	t.over = true
	if t.owned {
		return t.conn.Close()
	}
	return nil
}

// Savepoint sets a savepoint: 1 to 63 letters, digits and _.
func (t *Tx) Savepoint(name string) error { return t.point(raw.Mtdb_tx_savepoint, name) }

// RollbackTo undoes everything after a savepoint, which stays.
func (t *Tx) RollbackTo(name string) error { return t.point(raw.Mtdb_tx_rollback_to, name) }

// Release forgets a savepoint and those after it; what was done since stays.
func (t *Tx) Release(name string) error { return t.point(raw.Mtdb_tx_release_savepoint, name) }

func (t *Tx) point(call func(conn uintptr, name string, err *uintptr) int32, name string) error {
	if err := t.live(); err != nil {
		return err
	}
	if err := t.conn.open(); err != nil {
		return err
	}
	defer t.conn.leave()
	var err uintptr
	return failure(call(t.conn.handle, name, &err), err)
}

// TxState is where a lease's transaction stands.
type TxState int32

// The states of a transaction.
const (
	TxNone = TxState(0)
	TxOpen = TxState(1)
	TxLost = TxState(2) // it ended behind the caller's back: only Rollback is left
)

// TxState tells where the lease's transaction stands.
func (c *Conn) TxState() (state TxState, failed error) {
	if err := c.open(); err != nil {
		return TxNone, err
	}
	defer c.leave()
	var number int32
	var err uintptr
	failed = failure(raw.Mtdb_tx_state(c.handle, &number, &err), err)
	return TxState(number), failed
}

const (
	txTriesMax  = 10
	txPauseMin  = 5 * time.Millisecond
	txPauseMax  = 500 * time.Millisecond
	txPauseTurn = 2
)

// RunTx runs f in a transaction of the context's tenant and commits. When f fails or panics, the transaction is rolled
// back, and f's error is returned unchanged. A failure after which nothing of the transaction stayed, and that says the
// same may succeed later (a serialization failure, a deadlock, a busy file), makes the whole anew: at most ten times,
// with growing pauses, within the context's deadline. So f must do nothing that cannot be done again.
func (db *DB) RunTx(ctx context.Context, f func(*Tx) error, options ...Option) error {
	pause := txPauseMin
	for try := 1; ; try++ {
		err := db.runTx(ctx, f, options)
		if err == nil || try == txTriesMax || !undone(err) || ctx.Err() != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pause/2 + rand.N(pause)):
		}
		pause = min(pause*txPauseTurn, txPauseMax)
	}
}

// undone tells whether a failed transaction can be run again.
func undone(err error) bool {
	var failed *Error
	if !errors.As(err, &failed) || failed.Effect == EffectUnknown || failed.Effect == EffectCommitted {
		return false
	}
	switch failed.Code {
	case CodeSerialization, CodeBusy, CodeTxLost, CodeUnavailable:
		return failed.Retryable || failed.Code == CodeTxLost
	}
	return false
}

func (db *DB) runTx(ctx context.Context, f func(*Tx) error, options []Option) (err error) {
	tx, err := db.Begin(ctx, options...)
	if err != nil {
		return err
	}
	returned := false
	defer func() {
		if !returned || !tx.over { // f panicked, failed, or the commit did.
			_ = tx.Rollback()
		}
	}()
	err = f(tx)
	returned = true
	if err != nil || tx.over {
		return err
	}
	return tx.Commit(ctx)
}
