// SPDX-License-Identifier: MIT

package mtdb

import (
	"database/sql"
	"database/sql/driver"
	"math"
	"reflect"
	"strconv"
	"time"
)

// Scan reads the values of the present row into pointers: to the Go types of [Type], to integers, floats, bool, string,
// []byte, time.Time, any, to what implements sql.Scanner, and to pointers to these, which NULL makes nil. What would
// lose digits is an error.
func (r *Rows) Scan(dest ...any) error {
	if len(dest) != len(r.columns.names) {
		return invalid("%d values to scan into, %d columns", len(dest), len(r.columns.names))
	}
	if r.row == 0 {
		return refused(CodeInvalidState, "08003", "there is no row to scan: call Next first")
	}
	for i, target := range dest {
		if err := r.scan(i, target); err != nil {
			return err
		}
	}
	return nil
}

// scan reads one value; the common pairs of types first.
func (r *Rows) scan(column int, target any) error {
	c, row := &r.block.columns[column], r.row-1
	kind := c.typeAt(row)
	switch target := target.(type) {
	case *int64:
		if kind == TypeInt64 && target != nil {
			*target = c.integer(row)
			return nil
		}
	case *float64:
		if kind == TypeDouble && target != nil {
			*target = c.double(row)
			return nil
		}
	case *string:
		if kind == TypeText && target != nil {
			*target = r.text(column)
			return nil
		}
	case *[]byte:
		if (kind == TypeBytes || kind == TypeText) && target != nil {
			*target = append([]byte{}, c.bytes(row)...)
			return nil
		}
	case *any:
		if target != nil {
			*target = c.value(row)
			return nil
		}
	case sql.Scanner:
		return r.wrong(column, target.Scan(plain(c.value(row))))
	}
	return r.scanValue(column, c.value(row), target)
}

func (r *Rows) wrong(column int, err error) error {
	if err == nil {
		return nil
	}
	return invalid("column %d (%s): %v", column, r.columns.names[column], err)
}

// plain is a value of a type that database/sql knows.
func plain(value any) driver.Value {
	switch v := value.(type) {
	case uint64:
		if v <= math.MaxInt64 {
			return int64(v)
		}
		return strconv.FormatUint(v, 10)
	case float32:
		return float64(v)
	case Decimal:
		return string(v)
	case JSON:
		return string(v)
	case Other:
		return string(v)
	case UUID:
		return v.String()
	case Interval:
		return v.String()
	case Date:
		return v.Time()
	case Timestamp:
		return v.Time()
	case time.Duration:
		return clock(v)
	}
	return value
}

// clock is a time of day, or a span, as HH:MM:SS with its fraction.
func clock(d time.Duration) string {
	sign := ""
	if d < 0 {
		sign, d = "-", -d
	}
	text := sign + twoDigits(int64(d/time.Hour)) + ":" + twoDigits(int64(d/time.Minute%60)) + ":" +
		twoDigits(int64(d/time.Second%60))
	if us := d % time.Second / time.Microsecond; us != 0 {
		text += "." + strconv.FormatInt(int64(us)+1e6, 10)[1:]
	}
	return text
}

func twoDigits(n int64) string {
	if n < 10 {
		return "0" + strconv.FormatInt(n, 10)
	}
	return strconv.FormatInt(n, 10)
}

func (r *Rows) scanValue(column int, value, target any) error {
	at := reflect.ValueOf(target)
	if at.Kind() != reflect.Pointer || at.IsNil() {
		return invalid("column %d (%s): a target that is no pointer, or nil", column, r.columns.names[column])
	}
	if assign(at.Elem(), value) {
		return nil
	}
	if value == nil {
		return invalid("column %d (%s): NULL into %T: use a pointer or sql.Null", column, r.columns.names[column], target)
	}
	return invalid("column %d (%s): %s into %T", column, r.columns.names[column], r.Type(column), target)
}

// assign stores a value where nothing of it is lost, and tells whether it could.
func assign(to reflect.Value, value any) bool {
	if value == nil {
		if to.Kind() != reflect.Pointer && to.Kind() != reflect.Interface && to.Kind() != reflect.Slice {
			return false
		}
		to.SetZero()
		return true
	}
	if from := reflect.ValueOf(value); from.Type().AssignableTo(to.Type()) {
		to.Set(from)
		return true
	}
	if to.Kind() == reflect.Pointer {
		made := reflect.New(to.Type().Elem())
		if !assign(made.Elem(), value) {
			return false
		}
		to.Set(made)
		return true
	}
	switch v := plain(value).(type) {
	case int64:
		return assignInteger(to, v)
	case float64:
		return assignFloat(to, v)
	case bool:
		return assignBool(to, v)
	case time.Time:
		if to.Type() == reflect.TypeFor[time.Time]() {
			to.Set(reflect.ValueOf(v))
			return true
		}
	case []byte:
		return assignBytes(to, v)
	case string:
		return assignText(to, v)
	}
	return false
}

func assignInteger(to reflect.Value, v int64) bool {
	switch {
	case to.CanInt():
		to.SetInt(v)
		return to.Int() == v
	case to.CanUint():
		to.SetUint(uint64(v))
		return v >= 0 && to.Uint() == uint64(v)
	case to.CanFloat():
		to.SetFloat(float64(v))
		return int64(to.Float()) == v && math.Abs(to.Float()) < math.MaxInt64
	case to.Kind() == reflect.Bool && (v == 0 || v == 1):
		to.SetBool(v == 1)
		return true
	}
	return false
}

func assignFloat(to reflect.Value, v float64) bool {
	if !to.CanFloat() {
		return false
	}
	to.SetFloat(v)
	return to.Float() == v || v != v
}

func assignBool(to reflect.Value, v bool) bool {
	number := int64(0)
	if v {
		number = 1
	}
	if to.Kind() == reflect.Bool {
		to.SetBool(v)
		return true
	}
	return assignInteger(to, number)
}

func assignBytes(to reflect.Value, v []byte) bool {
	if to.Kind() == reflect.Slice && to.Type().Elem().Kind() == reflect.Uint8 {
		to.SetBytes(append([]byte{}, v...))
		return true
	}
	return false
}

// assignText also reads numbers and times that the database has as text, such as a DECIMAL or SQLite's dates.
func assignText(to reflect.Value, v string) bool {
	switch {
	case to.Kind() == reflect.String:
		to.SetString(v)
		return true
	case to.Type() == reflect.TypeFor[time.Time]():
		t, ok := parseTime(v)
		if ok {
			to.Set(reflect.ValueOf(t))
		}
		return ok
	case to.CanInt():
		n, err := strconv.ParseInt(v, 10, to.Type().Bits())
		to.SetInt(n)
		return err == nil
	case to.CanUint():
		n, err := strconv.ParseUint(v, 10, to.Type().Bits())
		to.SetUint(n)
		return err == nil
	case to.CanFloat():
		n, err := strconv.ParseFloat(v, to.Type().Bits())
		to.SetFloat(n)
		return err == nil
	}
	return assignBytes(to, []byte(v))
}

var timeLayouts = [...]string{
	"2006-01-02 15:04:05.999999999-07:00", "2006-01-02T15:04:05.999999999Z07:00", "2006-01-02 15:04:05.999999999",
	"2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02T15:04", "2006-01-02",
}

// parseTime reads the forms in which SQLite's own functions read times; without a zone they are UTC.
func parseTime(text string) (time.Time, bool) {
	if len(text) < len("2006-01-02") || len(text) > 40 || text[4] != '-' {
		return time.Time{}, false
	}
	for _, layout := range timeLayouts {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}
