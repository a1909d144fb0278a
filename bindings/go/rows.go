// SPDX-License-Identifier: MIT

package mtdb

import (
	"database/sql"
	"errors"
	"iter"
	"runtime"

	"github.com/mtdb/mtdb/bindings/go/internal/raw"
)

// Rows are the rows of a statement, read once from the first to the last. They serve one goroutine at a time.
type Rows struct {
	cursor
	row   int // in the block, from 1; 0 before its first
	texts []textWindow
	owned *Conn // a lease that is given back with the rows
}

// net is what the garbage collector gives back of abandoned rows.
type net struct {
	result  uintptr
	watched *canceller
}

func (n net) release() {
	raw.Mtdb_result_release(n.result)
	n.watched.disarm()
}

// guarded spans the net under rows that hold something of the library.
func (r *Rows) guarded() {
	if r.result != 0 {
		r.cleanup = runtime.AddCleanup(r, net.release, net{r.result, r.watched})
		r.netted = true
	}
}

// Next moves to the next row. At the end of the rows, or when reading fails, it is false and the rows are closed: see
// [Rows.Err].
func (r *Rows) Next() bool {
	if r.closed {
		return false
	}
	if r.row < r.block.rows {
		r.row++
		return true
	}
	if err := r.guard.enter(); err != nil {
		r.failed = err
		return false
	}
	more, _ := r.more()
	r.guard.leave()
	r.row = 0
	for i := range r.texts {
		r.texts[i].until = 0
	}
	if more {
		r.row = 1
		return true
	}
	_ = r.Close()
	return false
}

// Err is what ended the reading early, or nil.
func (r *Rows) Err() error { return r.failed }

// Close ends the reading; rows that were not read are dropped. Idempotent.
func (r *Rows) Close() error {
	if err := r.guard.enter(); err != nil {
		return err
	}
	r.row = 0
	failed := r.end()
	r.guard.leave()
	if r.owned != nil {
		owned := r.owned
		r.owned = nil
		return owned.Close()
	}
	return failed
}

// Columns are the names of the columns. Do not change them.
func (r *Rows) Columns() []string { return r.columns.names }

// ColumnType is what is known of a column before its values: VARIANT where each value has its own.
func (r *Rows) ColumnType(column int) Type { return r.columns.types[column] }

// Declared is a column's declared type in the engine's words, or empty. It never changes a value.
func (r *Rows) Declared(column int) string { return r.columns.declared[column] }

// Type is the type of a value of the present row.
func (r *Rows) Type(column int) Type { return r.at(column).typeAt(r.row - 1) }

// Null tells whether a value of the present row is NULL.
func (r *Rows) Null(column int) bool { return r.at(column).null(r.row - 1) }

// Value is a value of the present row, of the Go type that its [Type] names.
func (r *Rows) Value(column int) any { return r.at(column).value(r.row - 1) }

// Int64 is a value of the present row that an integer carries; 0 for any other and for NULL.
func (r *Rows) Int64(column int) int64 {
	c := r.at(column)
	switch c.typeAt(r.row - 1) {
	case TypeBool, TypeInt64, TypeUint64, TypeDate, TypeTime, TypeTimestamp, TypeTimestampTZ:
		return c.integer(r.row - 1)
	}
	return 0
}

// Float64 is a FLOAT, DOUBLE or INT64 of the present row; 0 for any other and for NULL.
func (r *Rows) Float64(column int) float64 {
	c := r.at(column)
	switch c.typeAt(r.row - 1) {
	case TypeFloat, TypeDouble:
		return c.double(r.row - 1)
	case TypeInt64:
		return float64(c.integer(r.row - 1))
	}
	return 0
}

// Text is a value of the present row that text carries; "" for any other and for NULL.
func (r *Rows) Text(column int) string {
	c := r.at(column)
	switch c.typeAt(r.row - 1) {
	case TypeText, TypeDecimal, TypeJSON, TypeOther:
		return r.text(column)
	}
	return ""
}

// Bytes is a value of the present row that text or bytes carry; nil for any other and for NULL. It is valid until the
// next row, and must not be changed.
func (r *Rows) Bytes(column int) []byte {
	c := r.at(column)
	switch kind := c.typeAt(r.row - 1); kind {
	case TypeText, TypeDecimal, TypeJSON, TypeOther, TypeBytes, TypeUUID, TypeInterval:
		return c.bytes(r.row - 1)
	}
	return nil
}

func (r *Rows) at(column int) *blockColumn {
	if r.row == 0 {
		panic("mtdb: Rows without a row: call Next first")
	}
	return &r.block.columns[column]
}

// text is a value that text carries. Values of neighbouring rows share one allocation.
func (r *Rows) text(column int) string {
	if r.texts == nil {
		r.texts = make([]textWindow, len(r.block.columns))
	}
	return r.texts[column].at(&r.block.columns[column], r.row-1, r.block.rows)
}

// All are the rows for a range loop; they are closed when it ends. A failure is the loop's last pair.
//
//	for row, err := range rows.All() {
func (r *Rows) All() iter.Seq2[*Rows, error] {
	return func(yield func(*Rows, error) bool) {
		defer r.Close()
		for r.Next() {
			if !yield(r, nil) {
				return
			}
		}
		if r.failed != nil {
			yield(nil, r.failed)
		}
	}
}

// Result is what the statement did; final once the rows are read.
func (r *Rows) Result() Result { return r.summary }

// Collect reads the rows to the end, one value of f each.
func Collect[T any](rows *Rows, err error, f func(*Rows) (T, error)) ([]T, error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []T
	for rows.Next() {
		value, err := f(rows)
		if err != nil {
			return nil, err
		}
		list = append(list, value)
	}
	return list, rows.Err()
}

// Row is the first row of a statement, or what failed.
type Row struct {
	rows *Rows
	err  error
}

// Scan reads the row, as [Rows.Scan]; without one it is sql.ErrNoRows.
func (r *Row) Scan(dest ...any) error {
	if r.err != nil {
		return r.err
	}
	defer r.rows.Close()
	if !r.rows.Next() {
		if err := r.rows.Err(); err != nil {
			return err
		}
		return sql.ErrNoRows
	}
	return errors.Join(r.rows.Scan(dest...))
}

// windowRows rows share the memory of their texts: one kept text keeps those of so many rows, at most.
const (
	windowRows  = 64
	windowBytes = 4 << 10
)

// textWindow makes the texts of some rows of a column out of one allocation.
type textWindow struct {
	from, until int // rows
	start       int32
	text        string
}

func (w *textWindow) at(c *blockColumn, row, rows int) string {
	if c.kind == TypeVariant {
		return string(c.bytes(row))
	}
	if row < w.from || row >= w.until {
		w.fill(c, row, rows)
	}
	return w.text[int32At(c.data, 4*row)-w.start : int32At(c.data, 4*row+4)-w.start]
}

func (w *textWindow) fill(c *blockColumn, row, rows int) {
	w.from, w.until = row, min(row+windowRows, rows)
	w.start = int32At(c.data, 4*row)
	end := int32At(c.data, 4*w.until)
	for w.until > row+1 && end-w.start > windowBytes {
		w.until = row + (w.until-row)/2
		end = int32At(c.data, 4*w.until)
	}
	w.text = string(c.heap[w.start:end])
}
