// SPDX-License-Identifier: MIT

package mtdb

import (
	"database/sql/driver"
	"reflect"
	"strings"
	"time"
	"unsafe"
)

// declaresTime tells whether a column of SQLite, which has no type for times, was declared as one.
func declaresTime(declared string) bool {
	word, _, _ := strings.Cut(strings.ToLower(declared), "(")
	switch strings.TrimSpace(word) {
	case "date", "datetime", "timestamp", "timestamptz", "timestamp with time zone", "timestamp without time zone":
		return true
	}
	return false
}

// boxes turns the values of some rows of a column into driver values. A driver value is an interface, which for an
// integer, a float or a string is a pointer to it: those of neighbouring rows point into one array instead of being
// allocated one by one.
type boxes struct {
	from, until int // rows
	integers    []int64
	doubles     []float64
	strings     []string
	window      textWindow
}

// iface is what an interface without methods is made of.
type iface struct {
	kind, data unsafe.Pointer
}

// box makes *to the value that an element of an array holds; *to must hold a value of that type before.
func box(to *driver.Value, of driver.Value, at unsafe.Pointer) {
	*to = of
	(*iface)(unsafe.Pointer(to)).data = at
}

var (
	anInteger = driver.Value(int64(0))
	aDouble   = driver.Value(float64(0))
	aString   = driver.Value("")
)

// few rows are not worth an array.
const boxedRowsMin = 4

// value stores one value of a block as database/sql wants it. Bytes stay in the block: database/sql copies them.
func (b *boxes) value(c *blockColumn, row, rows int, times bool, to *driver.Value) {
	kind := c.typeAt(row)
	switch {
	case kind == TypeNull:
		*to = nil
	case kind == TypeBytes:
		*to = driver.Value(c.bytes(row))
	case kind == TypeText && times:
		*to = timeOrText(string(c.bytes(row)))
	case b == nil || c.kind == TypeVariant || rows < boxedRowsMin || !boxable(kind):
		*to = plain(c.value(row))
	default:
		if row < b.from || row >= b.until {
			b.fill(c, row, rows)
		}
		b.give(kind, row-b.from, to)
	}
}

func boxable(kind Type) bool { return kind == TypeInt64 || kind == TypeDouble || kind == TypeText }

func (b *boxes) give(kind Type, i int, to *driver.Value) {
	switch kind {
	case TypeInt64:
		box(to, anInteger, unsafe.Pointer(&b.integers[i]))
	case TypeDouble:
		box(to, aDouble, unsafe.Pointer(&b.doubles[i]))
	default:
		box(to, aString, unsafe.Pointer(&b.strings[i]))
	}
}

// fill makes new arrays: what was given out of the old ones may still be in use.
func (b *boxes) fill(c *blockColumn, row, rows int) {
	b.from, b.until = row, min(row+windowRows, rows)
	n := b.until - b.from
	switch c.kind {
	case TypeInt64:
		b.integers = make([]int64, n)
		for i := range b.integers {
			b.integers[i] = int64At(c.data, 8*(row+i))
		}
	case TypeDouble:
		b.doubles = make([]float64, n)
		for i := range b.doubles {
			b.doubles[i] = c.double(row + i)
		}
	default:
		b.window.until = 0
		b.strings = make([]string, n)
		for i := range b.strings {
			if !c.null(row + i) {
				b.strings[i] = b.window.at(c, row+i, rows)
			}
		}
	}
}

func timeOrText(text string) driver.Value {
	if t, ok := parseTime(text); ok {
		return t
	}
	return text
}

// scanTypes are what database/sql gets of each type.
var scanTypes = map[Type]reflect.Type{
	TypeBool: reflect.TypeFor[bool](), TypeInt64: reflect.TypeFor[int64](), TypeUint64: reflect.TypeFor[uint64](),
	TypeFloat: reflect.TypeFor[float64](), TypeDouble: reflect.TypeFor[float64](), TypeText: reflect.TypeFor[string](),
	TypeDecimal: reflect.TypeFor[string](), TypeJSON: reflect.TypeFor[string](), TypeOther: reflect.TypeFor[string](),
	TypeUUID: reflect.TypeFor[string](), TypeInterval: reflect.TypeFor[string](), TypeTime: reflect.TypeFor[string](),
	TypeBytes: reflect.TypeFor[[]byte](), TypeDate: reflect.TypeFor[time.Time](),
	TypeTimestamp: reflect.TypeFor[time.Time](), TypeTimestampTZ: reflect.TypeFor[time.Time](),
}
