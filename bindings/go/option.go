// SPDX-License-Identifier: MIT

package mtdb

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/mtdb/mtdb/bindings/go/internal/raw"
)

//go:generate go run ./internal/optiongen option_list.go

// Option is one option of the library: the functions named With make them. What an option may be given to is in its
// comment; given elsewhere, or with a value out of its range, it is an error of class INVALID_ARGUMENT.
type Option struct {
	key   string
	value any // a string, int64 or bool
}

// Set is any option of the library by its key, with its value as text.
func Set(key, value string) Option { return Option{key, value} }

// Key is the option's name in the library, such as "pool.size_max".
func (o Option) Key() string { return o.key }

// String is the option's name; its value may be a secret.
func (o Option) String() string { return o.key }

func milliseconds(d time.Duration) int64 { return int64((d + time.Millisecond - 1) / time.Millisecond) }

// withOptions calls f with the options' handle: 0 for none.
func withOptions(options []Option, f func(handle uintptr) error) error {
	if len(options) == 0 {
		return f(0)
	}
	var handle, err uintptr
	if failed := failure(raw.Mtdb_options_new(&handle, &err), err); failed != nil {
		return failed
	}
	defer raw.Mtdb_options_release(handle)
	for _, option := range options {
		var status int32
		switch value := option.value.(type) {
		case string:
			status = raw.Mtdb_options_set_str(handle, option.key, value, &err)
		case int64:
			status = raw.Mtdb_options_set_int(handle, option.key, value, &err)
		case bool:
			number := int32(0)
			if value {
				number = 1
			}
			status = raw.Mtdb_options_set_bool(handle, option.key, number, &err)
		default:
			return invalid("an option without a key: use the functions named With")
		}
		if failed := failure(status, err); failed != nil {
			return failed
		}
	}
	return f(handle)
}

// OptionInfo describes one option of the library.
type OptionInfo struct {
	Key     string   `json:"key"`
	Scope   string   `json:"scope"` // what it may be given to, separated by commas
	Type    string   `json:"type"`  // text, integer, boolean, choice
	Default any      `json:"default"`
	Values  []string `json:"values"` // of a choice
	Secret  bool     `json:"secret"`
	Since   string   `json:"since"`
	Doc     string   `json:"doc"`
}

// Options lists all options that the library knows.
func Options() []OptionInfo {
	list := make([]OptionInfo, raw.Mtdb_options_count())
	buf := make([]byte, 8192)
	for i := range list {
		var needed int64
		var err uintptr
		if raw.Mtdb_options_describe(int32(i), buf, &needed, &err) == raw.MTDB_TRUNCATED {
			buf = make([]byte, needed)
			raw.Mtdb_options_describe(int32(i), buf, &needed, &err)
		}
		raw.Mtdb_error_release(err)
		_ = json.NewDecoder(strings.NewReader(string(buf[:needed]))).Decode(&list[i])
	}
	return list
}
