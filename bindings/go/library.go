// SPDX-License-Identifier: MIT

package mtdb

import (
	"sync"

	"github.com/mtdb/mtdb/bindings/go/internal/raw"
)

// library checks once that the loaded library serves this package.
var library = sync.OnceValue(func() error {
	var err uintptr
	return failure(raw.Mtdb_abi_require(raw.MTDB_VERSION_MAJOR, raw.MTDB_VERSION_MINOR, &err), err)
})

// BuildInfo tells one fact about the library: "version", "compiler", "backends", "sqlite.version", "sqlite.source_id",
// "sqlite.threadsafe".
func BuildInfo(key string) (string, error) {
	return textOut(func(buf []byte, needed *int64, err *uintptr) int32 {
		return raw.Mtdb_build_info(key, buf, needed, err)
	})
}

// textOut makes a call that fills a buffer, with one that is large enough.
func textOut(call func(buf []byte, needed *int64, err *uintptr) int32) (string, error) {
	buf, needed, err := make([]byte, 128), int64(0), uintptr(0)
	status := call(buf, &needed, &err)
	if status == raw.MTDB_TRUNCATED {
		buf = make([]byte, needed)
		status = call(buf, &needed, &err)
	}
	if failed := failure(status, err); failed != nil {
		return "", failed
	}
	return string(buf[:needed]), nil
}
