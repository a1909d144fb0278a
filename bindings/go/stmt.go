// SPDX-License-Identifier: MIT

package mtdb

import (
	"context"
	"runtime"

	"github.com/mtdb/mtdb/bindings/go/internal/raw"
)

// Stmt is a prepared statement of a lease. The library caches what was compiled, so running the same text by
// [Conn.Query] costs little more.
type Stmt struct {
	conn    *Conn
	query   string
	handle  uintptr
	count   int
	cleanup runtime.Cleanup
}

// Prepare prepares one statement. Text behind it, other than blanks, comments and a semicolon, is refused.
func (c *Conn) Prepare(ctx context.Context, query string) (*Stmt, error) {
	stmt := &Stmt{conn: c, query: query}
	var count int32
	var out uintptr
	err := c.call(ctx, func(timeout int64, cancel uintptr, err *uintptr) int32 {
		status := raw.Mtdb_stmt_prepare(c.handle, query, timeout, cancel, &out, err)
		if status == raw.MTDB_OK {
			status = raw.Mtdb_stmt_parameter_count(out, &count, err)
		}
		return status
	})
	if err != nil {
		raw.Mtdb_stmt_release(out)
		return nil, err
	}
	stmt.handle, stmt.count = out, int(count)
	stmt.cleanup = runtime.AddCleanup(stmt, raw.Mtdb_stmt_release, stmt.handle)
	return stmt, nil
}

// Parameters counts the statement's parameters: the highest index.
func (s *Stmt) Parameters() int { return s.count }

// use lets one goroutine in and makes the arguments' block.
func (s *Stmt) use(ctx context.Context, room []byte, args []any) (params []byte, err error) {
	if err := s.conn.use(ctx); err != nil {
		return nil, err
	}
	switch {
	case s.handle == 0:
		err = errClosed("statement")
	case len(args) != s.count:
		err = invalid("%d arguments for %d parameters", len(args), s.count)
	case hasNames(args):
		params, err = namedParams(s.handle, room, args)
	default:
		params, err = appendParams(room, args)
	}
	if err != nil {
		s.conn.leave()
	}
	return params, err
}

// Exec runs the statement. Rows that it returns are dropped.
func (s *Stmt) Exec(ctx context.Context, args ...any) (Result, error) {
	var room [paramsRoom]byte
	params, err := s.use(ctx, room[:0], args)
	if err != nil {
		return Result{}, err
	}
	defer s.conn.leave()
	who := raw.Who{Conn: s.conn.handle} // The compiled form is found by its text; a block has values of every type.
	return execute(ctx, s.conn.db, &who, s.query, params)
}

// Query runs the statement and returns its rows.
func (s *Stmt) Query(ctx context.Context, args ...any) (*Rows, error) {
	var room [paramsRoom]byte
	params, err := s.use(ctx, room[:0], args)
	if err != nil {
		return nil, err
	}
	defer s.conn.leave()
	return s.conn.rows(ctx, s.query, params)
}

// QueryRow runs the statement for its first row; what fails is told by [Row.Scan].
func (s *Stmt) QueryRow(ctx context.Context, args ...any) *Row {
	rows, err := s.Query(ctx, args...)
	return &Row{rows, err}
}

// Close ends the statement. Idempotent.
func (s *Stmt) Close() error {
	if err := s.conn.enter(); err != nil {
		return err
	}
	defer s.conn.leave()
	if s.handle == 0 {
		return nil
	}
	s.cleanup.Stop()
	var err uintptr
	failed := failure(raw.Mtdb_stmt_close(s.handle, &err), err)
	raw.Mtdb_stmt_release(s.handle)
	s.handle = 0
	return failed
}
