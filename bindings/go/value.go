// SPDX-License-Identifier: MIT

package mtdb

import (
	"encoding/hex"
	"fmt"
	"math"
	"time"

	"github.com/mtdb/mtdb/bindings/go/internal/raw"
)

// Type is the type of a value. It belongs to the value, not to its column: SQLite has a type per value.
type Type int32

// The types, and what a value of each is in Go.
const (
	TypeNull        = Type(raw.MTDB_TYPE_NULL)        // nil
	TypeBool        = Type(raw.MTDB_TYPE_BOOL)        // bool
	TypeInt64       = Type(raw.MTDB_TYPE_INT64)       // int64
	TypeUint64      = Type(raw.MTDB_TYPE_UINT64)      // uint64
	TypeFloat       = Type(raw.MTDB_TYPE_FLOAT)       // float32
	TypeDouble      = Type(raw.MTDB_TYPE_DOUBLE)      // float64
	TypeDecimal     = Type(raw.MTDB_TYPE_DECIMAL)     // Decimal
	TypeText        = Type(raw.MTDB_TYPE_TEXT)        // string
	TypeBytes       = Type(raw.MTDB_TYPE_BYTES)       // []byte
	TypeDate        = Type(raw.MTDB_TYPE_DATE)        // Date
	TypeTime        = Type(raw.MTDB_TYPE_TIME)        // time.Duration
	TypeTimestamp   = Type(raw.MTDB_TYPE_TIMESTAMP)   // Timestamp
	TypeTimestampTZ = Type(raw.MTDB_TYPE_TIMESTAMPTZ) // time.Time
	TypeUUID        = Type(raw.MTDB_TYPE_UUID)        // UUID
	TypeJSON        = Type(raw.MTDB_TYPE_JSON)        // JSON
	TypeInterval    = Type(raw.MTDB_TYPE_INTERVAL)    // Interval
	TypeVariant     = Type(raw.MTDB_TYPE_VARIANT)     // of columns only: the values differ
	TypeOther       = Type(raw.MTDB_TYPE_OTHER)       // Other
)

var typeNames = [...]string{"NULL", "BOOL", "INT64", "UINT64", "FLOAT", "DOUBLE", "DECIMAL", "TEXT", "BYTES", "DATE",
	"TIME", "TIMESTAMP", "TIMESTAMPTZ", "UUID", "JSON", "INTERVAL", "VARIANT", "OTHER"}

// String is the type's name, such as "TIMESTAMPTZ".
func (t Type) String() string {
	if t >= 0 && int(t) < len(typeNames) {
		return typeNames[t]
	}
	return fmt.Sprintf("TYPE %d", int32(t))
}

// Decimal is an exact number as its digits, sign and point.
type Decimal string

// JSON is a JSON text as the database has it.
type JSON string

// Other is the text of a value whose type the library has no rule for, such as an array or an address.
type Other string

// UUID is the 16 bytes of a UUID.
type UUID [16]byte

// String is the usual form of 36 characters.
func (u UUID) String() string {
	text := hex.EncodeToString(u[:])
	return text[:8] + "-" + text[8:12] + "-" + text[12:16] + "-" + text[16:20] + "-" + text[20:]
}

// Date is a day without a zone: days since 1970-01-01. The largest and smallest are PostgreSQL's infinities.
type Date int32

// DateOf is the day that a moment has in its own zone.
func DateOf(t time.Time) Date {
	_, offset := t.Zone()
	seconds := t.Unix() + int64(offset)
	days := seconds / 86400
	if seconds%86400 < 0 {
		days--
	}
	return Date(days)
}

// Time is midnight of the day, UTC.
func (d Date) Time() time.Time { return time.Unix(int64(d)*86400, 0).UTC() }

// String is the day as YYYY-MM-DD.
func (d Date) String() string { return d.Time().Format(time.DateOnly) }

// Timestamp is a date and time without a zone: microseconds since 1970-01-01 00:00:00. The largest and smallest are
// PostgreSQL's infinities.
type Timestamp int64

// TimestampOf is what a clock shows at a moment, in its own zone.
func TimestampOf(t time.Time) Timestamp {
	_, offset := t.Zone()
	return Timestamp(t.UnixMicro() + int64(offset)*1e6)
}

// Time is the moment at which a clock in UTC shows it.
func (t Timestamp) Time() time.Time { return time.UnixMicro(int64(t)).UTC() }

// String is the date and time, without a zone.
func (t Timestamp) String() string { return t.Time().Format("2006-01-02 15:04:05.999999") }

// Interval is a span of months, days and microseconds, which do not convert into each other.
type Interval struct {
	Months, Days int32
	Microseconds int64
}

// String is the interval as an ISO 8601 duration.
func (i Interval) String() string {
	return fmt.Sprintf("P%dM%dDT%gS", i.Months, i.Days, float64(i.Microseconds)/1e6)
}

// The infinities of PostgreSQL's TIMESTAMPTZ as this package reads and writes them.
var (
	InfinityTime         = time.UnixMicro(math.MaxInt64).UTC()
	NegativeInfinityTime = time.UnixMicro(math.MinInt64).UTC()
)
