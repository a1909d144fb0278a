// SPDX-License-Identifier: MIT

package mtdb

import (
	"encoding/hex"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// tagged makes the Go value of a vector's tagged string.
func tagged(text string) (any, error) {
	tag, rest, ok := strings.Cut(text, ":")
	if !ok {
		return nil, fmt.Errorf("no tag in %.40q", text)
	}
	switch tag {
	case "bool", "int64", "date", "time", "timestamp", "timestamptz":
		number, err := strconv.ParseInt(rest, 10, 64)
		return taggedInteger(tag, number), err
	case "uint64":
		number, err := strconv.ParseUint(rest, 10, 64)
		return number, err
	case "float":
		number, err := strconv.ParseFloat(rest, 64)
		return float32(number), err
	case "double":
		number, err := strconv.ParseFloat(rest, 64)
		return number, err
	case "bytes", "uuid", "text-hex":
		bytes, err := hex.DecodeString(rest)
		if tag == "uuid" && err == nil {
			return UUID(bytes), nil
		}
		if tag == "text-hex" {
			return string(bytes), err
		}
		return append([]byte{}, bytes...), err
	}
	return taggedText(tag, rest)
}

func taggedInteger(tag string, number int64) any {
	switch tag {
	case "bool":
		return number != 0
	case "date":
		return Date(number)
	case "time":
		return time.Duration(number) * time.Microsecond
	case "timestamp":
		return Timestamp(number)
	case "timestamptz":
		return time.UnixMicro(number).UTC()
	}
	return number
}

func taggedText(tag, rest string) (any, error) {
	switch tag {
	case "text":
		return rest, nil
	case "decimal":
		return Decimal(rest), nil
	case "json":
		return JSON(rest), nil
	case "other":
		return Other(rest), nil
	case "text-repeat":
		count, unit, _ := strings.Cut(rest, "*")
		n, err := strconv.Atoi(count)
		return strings.Repeat(unit, n), err
	case "interval":
		var i Interval
		_, err := fmt.Sscanf(rest, "%d,%d,%d", &i.Months, &i.Days, &i.Microseconds)
		return i, err
	}
	return nil, fmt.Errorf("tag %q", tag)
}

// same tells whether two values have one type and the same bits.
func same(a, b any) bool {
	switch a := a.(type) {
	case []byte:
		other, ok := b.([]byte)
		return ok && string(a) == string(other)
	case float64:
		other, ok := b.(float64)
		return ok && math.Float64bits(a) == math.Float64bits(other)
	case float32:
		other, ok := b.(float32)
		return ok && math.Float32bits(a) == math.Float32bits(other)
	case time.Time:
		other, ok := b.(time.Time)
		return ok && a.UnixMicro() == other.UnixMicro()
	}
	return a == b
}
