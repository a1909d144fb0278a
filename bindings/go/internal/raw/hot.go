// SPDX-License-Identifier: MIT

package raw

/*
#cgo noescape mtdb_go_query
#cgo nocallback mtdb_go_query
#cgo noescape mtdb_go_first
#cgo nocallback mtdb_go_first
#cgo noescape mtdb_go_exec
#cgo nocallback mtdb_go_exec
#include "hot.h"
*/
import "C"

import "unsafe"

// Out is what Query, First and Exec tell besides their status.
type Out [C.MTDB_GO_OUTS]int64

// Err is the error's handle, or 0.
func (o *Out) Err() uintptr { return uintptr(o[C.MTDB_GO_ERR]) }

// Result is the result's handle, or 0 when it was read to its end and released.
func (o *Out) Result() uintptr { return uintptr(o[C.MTDB_GO_RESULT]) }

// Rows counts the rows of the first block.
func (o *Out) Rows() int64 { return o[C.MTDB_GO_ROWS] }

// Used is the length of the first block, or what its first row needs.
func (o *Out) Used() int64 { return o[C.MTDB_GO_USED] }

// Fetch is the status of the first fetch: MTDB_OK, MTDB_DONE or MTDB_TRUNCATED.
func (o *Out) Fetch() int32 { return int32(o[C.MTDB_GO_FETCH]) }

// Meta is the length of the columns' description; -1 when it did not fit.
func (o *Out) Meta() int64 { return o[C.MTDB_GO_META] }

// Calls counts the calls of the library that one crossing made.
func (o *Out) Calls() int64 { return o[C.MTDB_GO_CALLS] }

// Affected counts the rows that the statement changed.
func (o *Out) Affected() int64 { return o[C.MTDB_GO_AFFECTED] }

// InsertID is the key that the statement generated, or 0.
func (o *Out) InsertID() int64 { return o[C.MTDB_GO_INSERT_ID] }

// Who runs the SQL: a lease, or else a tenant of a db.
type Who struct {
	DB, Conn uintptr
	Tenant   string
}

func text(s string) (*C.char, C.int64_t) {
	return (*C.char)(unsafe.Pointer(unsafe.StringData(s))), C.int64_t(len(s))
}

func bytes(b []byte) (unsafe.Pointer, C.int64_t) {
	return unsafe.Pointer(unsafe.SliceData(b)), C.int64_t(len(b))
}

// Query runs a statement, describes its columns and fetches the first block.
func Query(who *Who, sql string, params []byte, timeoutMS int64, cancel uintptr, buf, meta []byte, out *Out) int32 {
	tenant, tenantLen := text(who.Tenant)
	query, queryLen := text(sql)
	block, blockLen := bytes(params)
	rows, rowsCap := bytes(buf)
	names, namesCap := bytes(meta)
	return int32(C.mtdb_go_query(C.uintptr_t(who.DB), C.uintptr_t(who.Conn), tenant, tenantLen,
		query, queryLen, block, blockLen, C.int64_t(timeoutMS), C.uintptr_t(cancel), rows, rowsCap, names, namesCap,
		(*C.int64_t)(unsafe.Pointer(&out[0]))))
}

// First describes the columns of a result and fetches its first block.
func First(result uintptr, buf, meta []byte, out *Out) int32 {
	rows, rowsCap := bytes(buf)
	names, namesCap := bytes(meta)
	return int32(C.mtdb_go_first(C.uintptr_t(result), rows, rowsCap, names, namesCap,
		(*C.int64_t)(unsafe.Pointer(&out[0]))))
}

// Exec runs a statement to its end.
func Exec(who *Who, sql string, params []byte, timeoutMS int64, cancel uintptr, out *Out) int32 {
	tenant, tenantLen := text(who.Tenant)
	query, queryLen := text(sql)
	block, blockLen := bytes(params)
	return int32(C.mtdb_go_exec(C.uintptr_t(who.DB), C.uintptr_t(who.Conn), tenant, tenantLen,
		query, queryLen, block, blockLen, C.int64_t(timeoutMS), C.uintptr_t(cancel),
		(*C.int64_t)(unsafe.Pointer(&out[0]))))
}
