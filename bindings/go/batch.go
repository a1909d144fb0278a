// SPDX-License-Identifier: MIT

package mtdb

import (
	"context"

	"github.com/mtdb/mtdb/bindings/go/internal/raw"
)

// Batch is a list of different statements that run together, all or none. It is bound to no lease and can run again.
type Batch struct {
	statements []batchStatement
}

type batchStatement struct {
	query string
	args  []any
}

// Add adds a statement with its arguments, and returns the batch.
func (b *Batch) Add(query string, args ...any) *Batch {
	b.statements = append(b.statements, batchStatement{query, args})
	return b
}

// Len counts the statements.
func (b *Batch) Len() int { return len(b.statements) }

// ExecBatch runs the statements of a batch in their order, all or none, on PostgreSQL in one flight. An error's
// Statement (from 1) says which one failed.
func (c *Conn) ExecBatch(ctx context.Context, batch *Batch) ([]Result, error) {
	handle, err := batch.make()
	if err != nil {
		return nil, err
	}
	defer raw.Mtdb_batch_release(handle)
	var result uintptr
	err = c.call(ctx, func(timeout int64, cancel uintptr, err *uintptr) int32 {
		return raw.Mtdb_conn_exec_batch(c.handle, handle, timeout, cancel, &result, err)
	})
	if err != nil {
		return nil, err
	}
	rows, err := rowsOf(ctx, result)
	return Collect(rows, err, func(r *Rows) (Result, error) { return Result{r.Int64(1), r.Int64(2)}, nil })
}

// ExecBatch runs the statements of a batch in the context's tenant, all or none.
func (db *DB) ExecBatch(ctx context.Context, batch *Batch) ([]Result, error) {
	return onLease(ctx, db, func(c *Conn) ([]Result, error) { return c.ExecBatch(ctx, batch) })
}

func (b *Batch) make() (handle uintptr, failed error) {
	var err uintptr
	if failed := failure(raw.Mtdb_batch_new(&handle, &err), err); failed != nil {
		return 0, failed
	}
	for _, statement := range b.statements {
		params, failed := appendParams(nil, statement.args)
		if failed == nil {
			failed = failure(raw.Mtdb_batch_add(handle, statement.query, params, &err), err)
		}
		if failed != nil {
			raw.Mtdb_batch_release(handle)
			return 0, failed
		}
	}
	return handle, nil
}

// rowsOf reads a result that a call of the library made.
func rowsOf(ctx context.Context, result uintptr) (*Rows, error) {
	rows := &Rows{}
	if err := rows.adopt(ctx, result); err != nil {
		return nil, err
	}
	rows.guarded()
	return rows, nil
}
