// SPDX-License-Identifier: MIT

package mtdb

import (
	"context"
	"database/sql"
	"runtime"

	"github.com/mtdb/mtdb/bindings/go/internal/raw"
)

// Conn is a lease: a connection bound to one tenant until it is closed. It serves one goroutine at a time; a second one
// gets an error of class MISUSE.
type Conn struct {
	guard
	db      *DB
	handle  uintptr // 0: closed
	tenant  string
	first   string // the tenant that it was acquired for
	cleanup runtime.Cleanup
}

// Acquire borrows a connection to the context's tenant; give it back with [Conn.Close]. Options are of scope "lease":
// [WithLeaseTag], [WithLeaseReadOnly].
func (db *DB) Acquire(ctx context.Context, options ...Option) (*Conn, error) {
	tenant, err := tenantOf(ctx)
	if err != nil {
		return nil, err
	}
	conn := &Conn{db: db, tenant: tenant, first: tenant}
	err = withOptions(options, func(handle uintptr) error {
		var out uintptr
		failed := db.call(ctx, func(timeout int64, cancel uintptr, err *uintptr) int32 {
			return raw.Mtdb_db_acquire(db.handle, tenant, handle, timeout, cancel, &out, err)
		})
		conn.handle = out
		return failed
	})
	if err != nil {
		return nil, err
	}
	conn.cleanup = runtime.AddCleanup(conn, raw.Mtdb_conn_release, conn.handle)
	return conn, nil
}

// With runs f on a lease of the context's tenant, and gives it back whatever happens.
func (db *DB) With(ctx context.Context, f func(*Conn) error) error {
	_, err := onLease(ctx, db, func(c *Conn) (struct{}, error) { return struct{}{}, f(c) })
	return err
}

// Tenant is the tenant that the lease is bound to.
func (c *Conn) Tenant() string { return c.tenant }

// DB is the db that the lease is of.
func (c *Conn) DB() *DB { return c.db }

// use lets one goroutine in, with a context that may only name the lease's own tenant.
func (c *Conn) use(ctx context.Context) error {
	if err := sameTenant(ctx, c.tenant); err != nil {
		return err
	}
	return c.open()
}

func (c *Conn) open() error {
	if err := c.enter(); err != nil {
		return err
	}
	if c.handle == 0 {
		c.leave()
		return errClosed("lease")
	}
	return nil
}

// call makes one call on the lease.
func (c *Conn) call(ctx context.Context, call func(timeoutMS int64, cancel uintptr, err *uintptr) int32) error {
	if err := c.use(ctx); err != nil {
		return err
	}
	defer c.leave()
	_, err := waiting(ctx, call)
	return err
}

// Exec runs one statement. Rows that it returns are dropped. Arguments are by place, or all sql.Named.
func (c *Conn) Exec(ctx context.Context, query string, args ...any) (Result, error) {
	if err := c.use(ctx); err != nil {
		return Result{}, err
	}
	defer c.leave()
	var room [paramsRoom]byte
	params, err := c.params(ctx, room[:0], query, args)
	if err != nil {
		return Result{}, err
	}
	who := raw.Who{Conn: c.handle}
	return execute(ctx, c.db, &who, query, params)
}

// Query runs one statement and returns its rows. Another statement may run while they are being read.
func (c *Conn) Query(ctx context.Context, query string, args ...any) (*Rows, error) {
	if err := c.use(ctx); err != nil {
		return nil, err
	}
	defer c.leave()
	var room [paramsRoom]byte
	params, err := c.params(ctx, room[:0], query, args)
	if err != nil {
		return nil, err
	}
	return c.rows(ctx, query, params)
}

// rows runs a statement; the guard is the caller's.
func (c *Conn) rows(ctx context.Context, query string, params []byte) (*Rows, error) {
	rows := &Rows{}
	rows.guard = &c.guard
	who := raw.Who{Conn: c.handle}
	if err := rows.start(ctx, c.db, &who, query, params); err != nil {
		return nil, err
	}
	rows.guarded()
	return rows, nil
}

// QueryRow runs one statement for its first row; what fails is told by [Row.Scan].
func (c *Conn) QueryRow(ctx context.Context, query string, args ...any) *Row {
	rows, err := c.Query(ctx, query, args...)
	return &Row{rows, err}
}

// Script runs a text of several statements, without parameters. Each commits by itself unless a transaction is open. It
// tells how many ran, also when one failed.
func (c *Conn) Script(ctx context.Context, text string) (statements int64, failed error) {
	failed = c.call(ctx, func(timeout int64, cancel uintptr, err *uintptr) int32 {
		return raw.Mtdb_conn_exec_script(c.handle, text, timeout, cancel, &statements, err)
	})
	return statements, failed
}

// ExecRows runs one statement once per row, all in one transaction, in one call of the library. All rows have as many
// values as the first.
func (c *Conn) ExecRows(ctx context.Context, query string, rows [][]any) (affected int64, failed error) {
	params, err := rowsBlock(rows)
	if err != nil || len(rows) == 0 {
		return 0, err
	}
	failed = c.call(ctx, func(timeout int64, cancel uintptr, err *uintptr) int32 {
		return raw.Mtdb_conn_exec(c.handle, query, params, timeout, cancel, &affected, err)
	})
	return affected, failed
}

// ExecRows runs one statement once per row in the context's tenant, all in one transaction.
func (db *DB) ExecRows(ctx context.Context, query string, rows [][]any) (affected int64, err error) {
	return onLease(ctx, db, func(c *Conn) (int64, error) { return c.ExecRows(ctx, query, rows) })
}

// InsertID is the key that the last successful INSERT of this lease generated; 0 when there was none.
func (c *Conn) InsertID() (id int64, failed error) {
	if err := c.open(); err != nil {
		return 0, err
	}
	defer c.leave()
	var err uintptr
	failed = failure(raw.Mtdb_conn_insert_id(c.handle, &id, &err), err)
	return id, failed
}

// Use binds the lease to another tenant, as if it were given back and acquired anew: statements and rows end. After a
// failure other than an open transaction it is bound to nobody: use another tenant, or close it.
func (c *Conn) Use(ctx context.Context, tenant string) error {
	if err := c.open(); err != nil {
		return err
	}
	defer c.leave()
	err := c.db.call(ctx, func(timeout int64, cancel uintptr, err *uintptr) int32 {
		return raw.Mtdb_conn_use(c.handle, tenant, timeout, cancel, err)
	})
	if err == nil {
		c.tenant = tenant
	}
	return err
}

// Reset binds the lease to the tenant again that it was acquired for, as [Conn.Use] does.
func (c *Conn) Reset(ctx context.Context) error { return c.Use(ctx, c.first) }

// CurrentTenant asks the server for the tenant that the session stands in now: after a USE or SET search_path of the
// program's own it may be another one, until the next statement.
func (c *Conn) CurrentTenant(ctx context.Context) (string, error) {
	buf, needed := make([]byte, 256), int64(0)
	err := c.call(ctx, func(timeout int64, cancel uintptr, err *uintptr) int32 {
		return raw.Mtdb_conn_current(c.handle, timeout, cancel, buf, &needed, err)
	})
	if err != nil {
		return "", err
	}
	return string(buf[:needed]), nil
}

// Close gives the lease back; what is open is rolled back. Idempotent.
func (c *Conn) Close() error {
	if err := c.enter(); err != nil {
		return err
	}
	defer c.leave()
	if c.handle == 0 {
		return nil
	}
	c.cleanup.Stop()
	var err uintptr
	failed := failure(raw.Mtdb_conn_close(c.handle, &err), err)
	raw.Mtdb_conn_release(c.handle)
	c.handle = 0
	return failed
}

func hasNames(args []any) bool {
	for _, arg := range args {
		if _, ok := arg.(sql.NamedArg); ok {
			return true
		}
	}
	return false
}

// params makes the block of a statement's arguments. Named ones are put where the statement has their names.
func (c *Conn) params(ctx context.Context, buf []byte, query string, args []any) ([]byte, error) {
	if !hasNames(args) {
		return appendParams(buf, args)
	}
	var stmt uintptr
	_, err := waiting(ctx, func(timeout int64, cancel uintptr, err *uintptr) int32 {
		return raw.Mtdb_stmt_prepare(c.handle, query, timeout, cancel, &stmt, err)
	})
	if err != nil {
		return nil, err
	}
	defer raw.Mtdb_stmt_release(stmt)
	return namedParams(stmt, buf, args)
}

// namedParams orders arguments by the places that a prepared statement has for their names.
func namedParams(stmt uintptr, buf []byte, args []any) ([]byte, error) {
	var count int32
	var err uintptr
	if failed := failure(raw.Mtdb_stmt_parameter_count(stmt, &count, &err), err); failed != nil {
		return nil, failed
	}
	cells, given := make([]cell, count), make([]bool, count)
	for i, arg := range args {
		place, value := int32(i+1), arg
		if named, ok := arg.(sql.NamedArg); ok {
			value = named.Value
			if failed := failure(raw.Mtdb_stmt_parameter_index(stmt, named.Name, &place, &err), err); failed != nil {
				return nil, failed
			}
		}
		if place > count {
			return nil, invalid("argument %d of %d", place, count)
		}
		if given[place-1] {
			return nil, invalid("argument %d is given twice", place)
		}
		given[place-1] = true
		if failed := cells[place-1].set(value); failed != nil {
			return nil, failed
		}
	}
	for i, ok := range given {
		if !ok {
			return nil, invalid("parameter %d of the statement has no argument", i+1)
		}
	}
	return appendRow(buf, cells), nil
}

func (c *Conn) who() *raw.Who { return &raw.Who{Conn: c.handle} }
