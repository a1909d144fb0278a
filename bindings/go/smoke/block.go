// SPDX-License-Identifier: MIT

package main

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/mtdb/mtdb/bindings/go/internal/raw"
)

// block is a row block as mtdb.h lays it out.
type block []byte

func (b block) int32(at int64) int32 { return int32(binary.LittleEndian.Uint32(b[at:])) }
func (b block) int64(at int64) int64 { return int64(binary.LittleEndian.Uint64(b[at:])) }
func (b block) columns() int         { return int(b.int32(8)) }
func (b block) rows() int            { return int(b.int32(12)) }
func (b block) kind(column int) int32 {
	return b.int32(32 + 32*int64(column))
}

// value returns nil, an int64, a float64, a string or a []byte.
func (b block) value(row, column int) any {
	entry, r := 32+32*int64(column), int64(row)
	kind, validity := b.int32(entry), b.int64(entry+8)
	data, heap := b.int64(entry+16), b.int64(entry+24)
	if validity != 0 && b[validity+r/8]>>(r%8)&1 == 0 {
		return nil
	}
	switch kind {
	case raw.MTDB_TYPE_VARIANT:
		slots := data + (int64(b.rows())+7)/8*8
		slot := b.int64(slots + 8*r)
		offset := heap + slot>>32
		return typed(int32(int8(b[data+r])), slot, func() []byte { return b[offset : offset+slot&math.MaxUint32] })
	case raw.MTDB_TYPE_NULL:
		return nil
	case raw.MTDB_TYPE_INT64, raw.MTDB_TYPE_DOUBLE:
		return typed(kind, b.int64(data+8*r), nil)
	default:
		first, end := int64(b.int32(data+4*r)), int64(b.int32(data+4*r+4))
		return typed(kind, 0, func() []byte { return b[heap+first : heap+end] })
	}
}

func typed(kind int32, slot int64, bytes func() []byte) any {
	switch kind {
	case raw.MTDB_TYPE_NULL:
		return nil
	case raw.MTDB_TYPE_INT64:
		return slot
	case raw.MTDB_TYPE_DOUBLE:
		return math.Float64frombits(uint64(slot))
	case raw.MTDB_TYPE_TEXT:
		return string(bytes())
	case raw.MTDB_TYPE_BYTES:
		return append([]byte{}, bytes()...)
	}
	panic(fmt.Sprintf("type %d is not decoded here", kind))
}
