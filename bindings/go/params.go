// SPDX-License-Identifier: MIT

package mtdb

import (
	"database/sql"
	"database/sql/driver"
	"encoding/binary"
	"encoding/json"
	"math"
	"reflect"
	"time"
)

// cell is one parameter on its way into a block.
type cell struct {
	kind   Type
	number int64 // what an integer carries, or the bits of a double
	text   string
	bytes  []byte
}

func (c *cell) size() int {
	if c.bytes != nil {
		return len(c.bytes)
	}
	return len(c.text)
}

// carrier tells how a type travels in a block: bytes of a value, or 0 for offsets into a heap.
func (t Type) width() int {
	switch t {
	case TypeBool:
		return 1
	case TypeFloat, TypeDate:
		return 4
	case TypeInt64, TypeUint64, TypeDouble, TypeTime, TypeTimestamp, TypeTimestampTZ:
		return 8
	case TypeUUID, TypeInterval:
		return 16
	}
	return 0
}

// set makes the cell of a Go value: of the types of this package, of the language, of database/sql, or of a kind that
// the language converts.
func (c *cell) set(value any) error {
	*c = cell{}
	switch v := value.(type) {
	case nil:
	case int64:
		c.kind, c.number = TypeInt64, v
	case string:
		c.kind, c.text = TypeText, v
	case float64:
		c.kind, c.number = TypeDouble, int64(math.Float64bits(v))
	case int:
		c.kind, c.number = TypeInt64, int64(v)
	case bool:
		c.kind = TypeBool
		if v {
			c.number = 1
		}
	case []byte:
		c.setBytes(TypeBytes, v)
	case time.Time:
		c.kind, c.number = TypeTimestampTZ, v.UnixMicro()
	default:
		return c.setRare(value)
	}
	return nil
}

// setBytes: a nil slice is NULL, an empty one is empty.
func (c *cell) setBytes(kind Type, value []byte) {
	if value != nil {
		c.kind, c.bytes = kind, value
	}
}

func (c *cell) setRare(value any) error {
	switch v := value.(type) {
	case uint64:
		c.kind, c.number = TypeUint64, int64(v)
	case float32:
		c.kind, c.number = TypeFloat, int64(math.Float32bits(v))
	case time.Duration:
		c.kind, c.number = TypeTime, int64(v/time.Microsecond)
	case Date:
		c.kind, c.number = TypeDate, int64(v)
	case Timestamp:
		c.kind, c.number = TypeTimestamp, int64(v)
	case Decimal:
		c.kind, c.text = TypeDecimal, string(v)
	case JSON:
		c.kind, c.text = TypeJSON, string(v)
	case json.RawMessage:
		c.setBytes(TypeJSON, v)
	case Other:
		c.kind, c.text = TypeOther, string(v)
	case UUID:
		c.kind, c.bytes = TypeUUID, v[:]
	case Interval:
		b := binary.LittleEndian.AppendUint32(nil, uint32(v.Months))
		b = binary.LittleEndian.AppendUint32(b, uint32(v.Days))
		c.kind, c.bytes = TypeInterval, binary.LittleEndian.AppendUint64(b, uint64(v.Microseconds))
	case driver.Valuer:
		plain, err := valueOf(v)
		if err != nil {
			return err
		}
		return c.set(plain)
	default:
		return c.setKind(reflect.ValueOf(value))
	}
	return nil
}

// valueOf calls a Valuer; a nil pointer whose value method needs one is NULL, as in database/sql.
func valueOf(v driver.Valuer) (any, error) {
	at := reflect.ValueOf(v)
	if at.Kind() == reflect.Pointer && at.IsNil() {
		if _, ok := at.Type().Elem().MethodByName("Value"); ok {
			return nil, nil
		}
	}
	return v.Value()
}

func (c *cell) setKind(v reflect.Value) error {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return nil
		}
		return c.set(v.Elem().Interface())
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return c.set(v.Int())
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		if number := v.Uint(); number <= math.MaxInt64 {
			return c.set(int64(number))
		}
		return c.set(v.Uint())
	case reflect.Float32, reflect.Float64:
		return c.set(v.Float())
	case reflect.Bool:
		return c.set(v.Bool())
	case reflect.String:
		return c.set(v.String())
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return c.set(v.Bytes())
		}
	}
	return invalid("a parameter of type %s: no value of it is known here", v.Type())
}

// appendParams appends a block of one row to buf, which it returns; nothing for no arguments.
func appendParams(buf []byte, args []any) ([]byte, error) {
	if len(args) == 0 {
		return buf, nil
	}
	var few [8]cell
	cells := few[:0]
	for i, arg := range args {
		if named, ok := arg.(sql.NamedArg); ok {
			return nil, invalid("argument %d is named %s, which this call does not take", i+1, named.Name)
		}
		cells = append(cells, cell{})
		if err := cells[i].set(arg); err != nil {
			return nil, err
		}
	}
	return appendRow(buf, cells), nil
}

// appendRow appends the block of one row that has these cells.
func appendRow(buf []byte, cells []cell) []byte {
	start := len(buf)
	put := func(number int64) { buf = binary.LittleEndian.AppendUint64(buf, uint64(number)) }
	put(blockMagic | 1<<32)
	put(int64(len(cells)) | 1<<32)
	put(0)
	put(0)
	at := blockHeaderBytes + blockColumnBytes*len(cells)
	for i := range cells {
		c := &cells[i]
		put(int64(c.kind))
		put(0)
		switch width := c.kind.width(); {
		case c.kind == TypeNull:
			put(0)
			put(0)
		case width > 0:
			put(int64(at))
			put(0)
			at += (width + 7) / 8 * 8
		default:
			put(int64(at))
			put(int64(at + 8))
			at += 8 + (c.size()+7)/8*8
		}
	}
	for i := range cells {
		buf = appendCell(buf, &cells[i], start)
	}
	binary.LittleEndian.PutUint64(buf[start+16:], uint64(len(buf)-start))
	return buf
}

func appendCell(buf []byte, c *cell, start int) []byte {
	switch width := c.kind.width(); {
	case c.kind == TypeNull:
	case width == 16:
		buf = append(buf, c.bytes...)
	case width > 0:
		buf = binary.LittleEndian.AppendUint64(buf, uint64(c.number))
	default:
		buf = binary.LittleEndian.AppendUint64(buf, uint64(c.size())<<32)
		if c.bytes != nil {
			buf = append(buf, c.bytes...)
		} else {
			buf = append(buf, c.text...)
		}
		for (len(buf)-start)%8 != 0 {
			buf = append(buf, 0)
		}
	}
	return buf
}

// rowsBlock makes a block of many rows. A column whose values differ in type is a VARIANT.
func rowsBlock(rows [][]any) ([]byte, error) {
	if len(rows) == 0 {
		return nil, nil
	}
	columns := make([][]cell, len(rows[0]))
	for i := range columns {
		columns[i] = make([]cell, len(rows))
	}
	for r, row := range rows {
		if len(row) != len(columns) {
			return nil, invalid("row %d has %d values, the first has %d", r+1, len(row), len(columns))
		}
		for i, value := range row {
			if err := columns[i][r].set(value); err != nil {
				return nil, err
			}
		}
	}
	return cellsBlock(columns, len(rows)), nil
}

func cellsBlock(columns [][]cell, rows int) []byte {
	buf := make([]byte, blockHeaderBytes+blockColumnBytes*len(columns), 1024+64*rows*len(columns))
	le := binary.LittleEndian
	le.PutUint64(buf, blockMagic|1<<32)
	le.PutUint64(buf[8:], uint64(len(columns))|uint64(rows)<<32)
	for i, cells := range columns {
		kind, nulls := commonType(cells)
		entry := blockHeaderBytes + blockColumnBytes*i
		le.PutUint64(buf[entry:], uint64(kind))
		if kind == TypeNull {
			continue
		}
		if nulls {
			le.PutUint64(buf[entry+8:], uint64(len(buf)))
			buf = appendValidity(buf, cells)
		}
		le.PutUint64(buf[entry+16:], uint64(len(buf)))
		var heap int
		if buf, heap = appendColumn(buf, kind, cells); heap > 0 {
			le.PutUint64(buf[entry+24:], uint64(heap))
		}
	}
	le.PutUint64(buf[16:], uint64(len(buf)))
	return buf
}

func commonType(cells []cell) (kind Type, nulls bool) {
	for i := range cells {
		switch {
		case cells[i].kind == TypeNull:
			nulls = true
		case kind == TypeNull:
			kind = cells[i].kind
		case kind != cells[i].kind:
			kind = TypeVariant
		}
	}
	return kind, nulls
}

func padded(buf []byte) []byte {
	for len(buf)%8 != 0 {
		buf = append(buf, 0)
	}
	return buf
}

func appendValidity(buf []byte, cells []cell) []byte {
	start := len(buf)
	buf = append(buf, make([]byte, (len(cells)+7)/8)...)
	for i := range cells {
		if cells[i].kind != TypeNull {
			buf[start+i/8] |= 1 << (i % 8)
		}
	}
	return padded(buf)
}

// appendColumn appends the values of a column, and tells where its heap begins: 0 for none.
func appendColumn(buf []byte, kind Type, cells []cell) ([]byte, int) {
	if kind == TypeVariant {
		return appendVariants(buf, cells)
	}
	width := kind.width()
	if width == 0 {
		offset := uint32(0)
		for i := range cells {
			buf = binary.LittleEndian.AppendUint32(buf, offset)
			offset += uint32(cells[i].size())
		}
		buf = padded(binary.LittleEndian.AppendUint32(buf, offset))
		heap := len(buf)
		for i := range cells {
			buf = append(append(buf, cells[i].bytes...), cells[i].text...)
		}
		return padded(buf), heap
	}
	var value [16]byte
	for i := range cells {
		clear(value[:])
		binary.LittleEndian.PutUint64(value[:], uint64(cells[i].number))
		copy(value[:], cells[i].bytes)
		buf = append(buf, value[:width]...)
	}
	return padded(buf), 0
}

func appendVariants(buf []byte, cells []cell) ([]byte, int) {
	for i := range cells {
		buf = append(buf, byte(cells[i].kind))
	}
	buf = padded(buf)
	offset := uint64(0)
	for i := range cells {
		slot := uint64(cells[i].number)
		if size := cells[i].size(); cells[i].kind.width()%16 == 0 && cells[i].kind != TypeNull {
			slot = offset<<32 | uint64(size)
			offset += uint64(size)
		} else if cells[i].kind == TypeFloat { // A variant's slot has a double.
			slot = math.Float64bits(float64(math.Float32frombits(uint32(slot))))
		}
		buf = binary.LittleEndian.AppendUint64(buf, slot)
	}
	heap := len(buf)
	for i := range cells {
		buf = append(append(buf, cells[i].bytes...), cells[i].text...)
	}
	return padded(buf), heap
}
