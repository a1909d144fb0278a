// SPDX-License-Identifier: MIT

package mtdb

import (
	"database/sql/driver"
	"errors"
	"io"
	"reflect"
	"runtime"
)

// sqlRows are rows as database/sql reads them.
type sqlRows struct {
	cursor
	row   int // the next one of the block
	boxes []boxes
	owned *Conn
}

var (
	_ driver.RowsColumnTypeDatabaseTypeName = (*sqlRows)(nil)
	_ driver.RowsColumnTypeNullable         = (*sqlRows)(nil)
	_ driver.RowsColumnTypeScanType         = (*sqlRows)(nil)
)

func (r *sqlRows) ready() {
	if r.block.rows >= boxedRowsMin || r.result != 0 {
		r.boxes = make([]boxes, len(r.columns.names))
	}
	if r.result != 0 {
		r.cleanup = runtime.AddCleanup(r, net.release, net{r.result, r.watched})
		r.netted = true
	}
}

func (r *sqlRows) Columns() []string { return r.columns.names }

func (r *sqlRows) Next(dest []driver.Value) error {
	if r.row >= r.block.rows {
		if err := r.turn(); err != nil {
			return err
		}
	}
	for i := range dest {
		var boxed *boxes
		if r.boxes != nil {
			boxed = &r.boxes[i]
		}
		boxed.value(&r.block.columns[i], r.row, r.block.rows, r.columns.times[i], &dest[i])
	}
	r.row++
	return nil
}

// turn brings the next block.
func (r *sqlRows) turn() error {
	if err := r.guard.enter(); err != nil {
		return err
	}
	more, err := r.more()
	r.guard.leave()
	r.row = 0
	for i := range r.boxes {
		r.boxes[i].until = 0
	}
	switch {
	case err != nil:
		return err
	case !more:
		return io.EOF
	}
	return nil
}

func (r *sqlRows) Close() error {
	if err := r.guard.enter(); err != nil {
		return err
	}
	r.row = 0
	failed := r.end()
	r.guard.leave()
	return errors.Join(failed, r.giveBack())
}

func (r *sqlRows) giveBack() error {
	if r.owned == nil {
		return nil
	}
	owned := r.owned
	r.owned = nil
	return owned.Close()
}

// ColumnTypeDatabaseTypeName is the declared type where there is one, else the value's type.
func (r *sqlRows) ColumnTypeDatabaseTypeName(column int) string {
	declared := r.columns.declared[column]
	if declared == "" && r.columns.types[column] == TypeOther && r.result != 0 && r.guard.enter() == nil {
		declared = r.declaredOf(int32(column))
		r.guard.leave()
	}
	if declared != "" {
		return declared
	}
	return r.kind(column).String()
}

// kind is the type of a column's values, in the present block where each value has its own.
func (r *sqlRows) kind(column int) Type {
	kind := r.columns.types[column]
	if kind == TypeVariant && r.block.rows > 0 {
		return r.block.columns[column].kind
	}
	return kind
}

func (r *sqlRows) ColumnTypeNullable(column int) (nullable, ok bool) {
	known := r.columns.nullable[column]
	return known == 1, known >= 0
}

func (r *sqlRows) ColumnTypeScanType(column int) reflect.Type {
	if r.columns.times[column] {
		return scanTypes[TypeTimestampTZ]
	}
	if known := scanTypes[r.kind(column)]; known != nil {
		return known
	}
	return reflect.TypeFor[any]()
}
