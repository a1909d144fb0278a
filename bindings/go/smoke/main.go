// SPDX-License-Identifier: MIT

// Command smoke runs libmtdb through the raw layer and checks what comes back.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"time"

	"github.com/mtdb/mtdb/bindings/go/internal/raw"
)

const (
	tenant  = "acme"
	tricky  = "a\x00😀z"
	endless = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT count(*) FROM c"
	forever = raw.MTDB_FOREVER
)

var passed, failed int

func equal(name string, got, want any) {
	if reflect.DeepEqual(got, want) {
		passed++
		return
	}
	failed++
	fmt.Printf("FAILED %s: got %#v, want %#v\n", name, got, want)
}

// call is the outcome of one library call; its error is read and released.
type call struct {
	status       int32
	line, column int64
	message      string
}

func outcome(status int32, err uintptr) call {
	result := call{status: status}
	if err != 0 {
		result.line, result.column = raw.Mtdb_error_line(err), raw.Mtdb_error_column(err)
		buf, needed := make([]byte, 1024), int64(0)
		raw.Mtdb_error_text(err, raw.MTDB_ERROR_MESSAGE, buf, &needed)
		result.message = string(buf[:needed])
		raw.Mtdb_error_release(err)
	}
	return result
}

func ok(name string, status int32, err uintptr) {
	got := outcome(status, err)
	equal(name+" "+got.message, got.status, raw.MTDB_OK)
}

func openDB(folder string) uintptr {
	var db, err uintptr
	status := raw.Mtdb_db_open("sqlite:"+folder, 0, &db, &err)
	ok("open", status, err)
	return db
}

func lease(db uintptr) uintptr {
	var conn, err uintptr
	status := raw.Mtdb_db_acquire(db, tenant, 0, int64(forever), 0, &conn, &err)
	ok("acquire", status, err)
	return conn
}

func query(conn uintptr, sql string, params []byte, cancel uintptr) uintptr {
	var result, err uintptr
	status := raw.Mtdb_conn_query(conn, sql, params, int64(forever), cancel, &result, &err)
	ok("query", status, err)
	return result
}

// fetch returns the next block, and an empty one at the end.
func fetch(result uintptr, capacity int) (block, int64, call) {
	buf := make([]byte, capacity)
	var rows, used int64
	var err uintptr
	status := raw.Mtdb_result_fetch(result, buf, 0, &rows, &used, &err)
	if status == raw.MTDB_OK || status == raw.MTDB_DONE {
		return buf[:used], used, outcome(status, err)
	}
	return nil, used, outcome(status, err)
}

func version() {
	var err uintptr
	ok("abi", raw.Mtdb_abi_require(raw.MTDB_VERSION_MAJOR, raw.MTDB_VERSION_MINOR, &err), err)
	var needed int64
	buf := make([]byte, 64)
	ok("short buffer", raw.Mtdb_status_text(raw.MTDB_TENANT_UNKNOWN, buf, &needed, &err), err)
	equal("status text", string(buf[:needed]), "TENANT_UNKNOWN")
	equal("truncated", raw.Mtdb_status_text(raw.MTDB_TENANT_UNKNOWN, buf[:3], &needed, &err), raw.MTDB_TRUNCATED)
	equal("needed", needed, int64(14))
}

func errors(db, conn uintptr) {
	var result, err uintptr
	status := raw.Mtdb_conn_query(conn, "SELECT 1\n /* 😀 */ FROM FROM", nil, int64(forever), 0, &result, &err)
	got := outcome(status, err)
	equal("syntax error", []int64{int64(got.status), got.line, got.column}, []int64{int64(raw.MTDB_SQL_ERROR), 2, 15})
	equal("no result", result, uintptr(0))
	status = raw.Mtdb_db_acquire(db, "nobody", 0, int64(forever), 0, &conn, &err)
	equal("unknown tenant", outcome(status, err).status, raw.MTDB_TENANT_UNKNOWN)
	status = raw.Mtdb_conn_exec(0, "SELECT 1", nil, 0, 0, nil, &err)
	equal("no handle", outcome(status, err).status, raw.MTDB_INVALID_ARGUMENT)
}

func texts(conn uintptr) {
	var builder, err uintptr
	ok("block", raw.Mtdb_block_new(&builder, &err), err)
	ok("text cell", raw.Mtdb_block_add_text(builder, tricky, &err), err)
	ok("empty cell", raw.Mtdb_block_add_text(builder, "", &err), err)
	ok("row", raw.Mtdb_block_end_row(builder, &err), err)
	params, needed := make([]byte, 4096), int64(0)
	ok("copy", raw.Mtdb_block_copy(builder, params, &needed, &err), err)
	raw.Mtdb_block_release(builder)

	result := query(conn, "SELECT ?1, length(CAST(?1 AS BLOB)), ?2, typeof(?2)", params[:needed], 0)
	b, _, _ := fetch(result, 65536)
	equal("one row", b.rows(), 1)
	row := []any{b.value(0, 0), b.value(0, 1), b.value(0, 2), b.value(0, 3)}
	equal("round trip", row, []any{tricky, int64(len(tricky)), "", "text"})
	raw.Mtdb_result_release(result)
}

func blocks(conn uintptr) {
	result := query(conn, "SELECT 42 AS i, 1.5 AS d, 'grün 😀' AS \"t😀\", NULL AS n, 7 AS mixed, x'00ff' AS b UNION ALL "+
		"SELECT -9223372036854775808, -0.25, '', NULL, 'seven', NULL", nil, 0)
	_, used, got := fetch(result, 40)
	equal("block too small", got.status, raw.MTDB_TRUNCATED)
	equal("its need", used > 40, true)
	name, needed, err := make([]byte, 64), int64(0), uintptr(0)
	ok("name", raw.Mtdb_result_column_name(result, 2, name, &needed, &err), err)
	equal("column name", string(name[:needed]), "t😀")
	b, _, _ := fetch(result, 65536)
	equal("shape", []int{b.columns(), b.rows()}, []int{6, 2})
	var kinds []int32
	var first, second []any
	for column := range b.columns() {
		kinds = append(kinds, b.kind(column))
		first = append(first, b.value(0, column))
		second = append(second, b.value(1, column))
	}
	equal("types", kinds, []int32{raw.MTDB_TYPE_INT64, raw.MTDB_TYPE_DOUBLE, raw.MTDB_TYPE_TEXT, raw.MTDB_TYPE_NULL,
		raw.MTDB_TYPE_VARIANT, raw.MTDB_TYPE_BYTES})
	equal("first row", first, []any{int64(42), 1.5, "grün 😀", nil, int64(7), []byte{0, 255}})
	equal("second row", second, []any{int64(-9223372036854775808), -0.25, "", nil, "seven", nil})
	raw.Mtdb_result_release(result)
}

func cancels(conn uintptr) {
	var token, err uintptr
	ok("token", raw.Mtdb_cancel_new(&token, &err), err)
	started, triggered := time.Now(), make(chan bool)
	go func() {
		defer close(triggered)
		time.Sleep(200 * time.Millisecond)
		var err uintptr
		raw.Mtdb_cancel_trigger(token, 0, &err)
	}()
	var result uintptr
	got := outcome(raw.Mtdb_conn_query(conn, endless, nil, int64(forever), token, &result, &err), err)
	if got.status == raw.MTDB_OK {
		_, _, got = fetch(result, 65536)
	}
	<-triggered
	equal("cancelled", got.status, raw.MTDB_CANCELLED)
	equal("in time", time.Since(started) < 20*time.Second, true)
	raw.Mtdb_result_release(result)

	var generation int64
	ok("reset", raw.Mtdb_cancel_reset(token, &generation, &err), err)
	equal("generation", generation, int64(2))
	equal("late trigger", raw.Mtdb_cancel_trigger(token, 1, &err), raw.MTDB_DONE)
	result = query(conn, "SELECT 5", nil, token)
	b, _, _ := fetch(result, 65536)
	equal("next query", b.value(0, 0), any(int64(5)))
	raw.Mtdb_result_release(result)
	raw.Mtdb_cancel_release(token)
}

func wrongOrder(folder string) {
	db := openDB(folder)
	conn := lease(db)
	result := query(conn, "SELECT 1 UNION ALL SELECT 2", nil, 0)
	raw.Mtdb_db_release(db)
	raw.Mtdb_conn_release(conn)
	b, _, _ := fetch(result, 65536)
	equal("rows outlive their parents", []any{b.rows(), b.value(1, 0)}, []any{2, int64(2)})
	raw.Mtdb_result_release(result)
	raw.Mtdb_result_release(0)
}

func run(folder string) {
	version()
	db := openDB(folder)
	var err uintptr
	ok("create", raw.Mtdb_tenant_create(db, tenant, int64(forever), 0, &err), err)
	conn := lease(db)
	errors(db, conn)
	texts(conn)
	blocks(conn)
	cancels(conn)
	wrongOrder(folder)

	ok("give back", raw.Mtdb_conn_close(conn, &err), err)
	var forced int64
	ok("close", raw.Mtdb_db_close(db, int64(raw.MTDB_DEFAULT), 0, &forced, &err), err)
	equal("forced", forced, int64(0))
	status := raw.Mtdb_conn_exec(conn, "SELECT 1", nil, 0, 0, nil, &err)
	equal("use after close", outcome(status, err).status, raw.MTDB_CLOSED)
	raw.Mtdb_conn_release(conn)
	raw.Mtdb_db_release(db)
}

func main() {
	folder, err := os.MkdirTemp("", "mtdb-go-smoke-")
	if err != nil {
		panic(err)
	}
	folder, err = filepath.EvalSymlinks(folder)
	if err != nil {
		panic(err)
	}
	run(folder)
	_ = os.RemoveAll(folder)
	fmt.Printf("%d passed, %d failed\n", passed, failed)
	if failed > 0 {
		os.Exit(1)
	}
}
