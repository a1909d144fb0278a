// SPDX-License-Identifier: MIT

package mtdb

import (
	"encoding/binary"
	"math"
	"time"
)

// block is the rows of one fetch, columnar, as mtdb.h lays them out.
type block struct {
	rows    int
	columns []blockColumn
}

type blockColumn struct {
	kind     Type
	validity []byte // a bit per row, or nil when all have values
	data     []byte // fixed-width values, offsets into the heap, or a VARIANT's slots
	tags     []byte // a VARIANT's types
	heap     []byte // from the column's heap to the block's end
}

const (
	blockHeaderBytes = 32
	blockColumnBytes = 32
	blockMagic       = 0x3142544d
)

func int32At(b []byte, at int) int32 { return int32(binary.LittleEndian.Uint32(b[at:])) }
func int64At(b []byte, at int) int64 { return int64(binary.LittleEndian.Uint64(b[at:])) }

// parse makes b a view of data, which must stay as it is while b is read.
func (b *block) parse(data []byte) {
	if len(data) < blockHeaderBytes {
		b.rows, b.columns = 0, b.columns[:0]
		return
	}
	columns := int(int32At(data, 8))
	b.rows = int(int32At(data, 12))
	if cap(b.columns) < columns {
		b.columns = make([]blockColumn, columns)
	}
	b.columns = b.columns[:columns]
	for i := range b.columns {
		b.columns[i].parse(data, blockHeaderBytes+i*blockColumnBytes, b.rows)
	}
}

func (c *blockColumn) parse(data []byte, entry, rows int) {
	*c = blockColumn{kind: Type(int32At(data, entry))}
	validity, values, heap := int64At(data, entry+8), int64At(data, entry+16), int64At(data, entry+24)
	if validity != 0 {
		c.validity = data[validity : validity+int64(rows+7)/8]
	}
	if c.kind == TypeVariant {
		c.tags = data[values : values+int64(rows)]
		values += int64(rows+7) / 8 * 8
	}
	if c.kind != TypeNull {
		c.data = data[values:]
	}
	if heap != 0 {
		c.heap = data[heap:]
	}
}

func (c *blockColumn) null(row int) bool {
	if c.validity != nil && c.validity[row>>3]>>(row&7)&1 == 0 {
		return true
	}
	return c.kind == TypeNull
}

// typeAt is the type of one value.
func (c *blockColumn) typeAt(row int) Type {
	switch {
	case c.null(row):
		return TypeNull
	case c.kind == TypeVariant:
		return Type(int8(c.tags[row]))
	}
	return c.kind
}

// integer is a value that an integer carries.
func (c *blockColumn) integer(row int) int64 {
	switch c.kind {
	case TypeBool:
		return int64(int8(c.data[row]))
	case TypeDate:
		return int64(int32At(c.data, 4*row))
	}
	return int64At(c.data, 8*row)
}

func (c *blockColumn) double(row int) float64 {
	if c.kind == TypeFloat {
		return float64(math.Float32frombits(binary.LittleEndian.Uint32(c.data[4*row:])))
	}
	return math.Float64frombits(binary.LittleEndian.Uint64(c.data[8*row:]))
}

// bytes is a value that text or bytes carry, within the block.
func (c *blockColumn) bytes(row int) []byte {
	switch c.kind {
	case TypeUUID, TypeInterval:
		return c.data[16*row : 16*row+16]
	case TypeVariant:
		slot := int64At(c.data, 8*row)
		return c.heap[slot>>32 : slot>>32+slot&math.MaxUint32]
	}
	return c.heap[int32At(c.data, 4*row):int32At(c.data, 4*row+4)]
}

// value is one value as the type's comment says. Bytes are copied.
func (c *blockColumn) value(row int) any {
	kind := c.typeAt(row)
	switch kind {
	case TypeNull:
		return nil
	case TypeBool:
		return c.integer(row) != 0
	case TypeInt64:
		return c.integer(row)
	case TypeUint64:
		return uint64(c.integer(row))
	case TypeFloat:
		return float32(c.double(row))
	case TypeDouble:
		return c.double(row)
	case TypeDate:
		return Date(c.integer(row))
	case TypeTime:
		return time.Duration(c.integer(row)) * time.Microsecond
	case TypeTimestamp:
		return Timestamp(c.integer(row))
	case TypeTimestampTZ:
		return time.UnixMicro(c.integer(row)).UTC()
	}
	return carried(kind, c.bytes(row))
}

// carried is a value that text or bytes carry.
func carried(kind Type, b []byte) any {
	switch kind {
	case TypeText:
		return string(b)
	case TypeDecimal:
		return Decimal(b)
	case TypeJSON:
		return JSON(b)
	case TypeOther:
		return Other(b)
	case TypeUUID:
		return UUID(b)
	case TypeInterval:
		return Interval{int32At(b, 0), int32At(b, 4), int64At(b, 8)}
	}
	return append([]byte{}, b...) // BYTES, and any type of a newer library
}
