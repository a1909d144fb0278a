// SPDX-License-Identifier: MIT

package mtdb

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/mtdb/mtdb/bindings/go/internal/raw"
)

// The shared vectors, which every language runs: bindings/conformance/README.md. A step that Go cannot say is skipped
// with its reason, and docs/go.md lists it.

type vectors struct {
	URL   string
	Tests []struct {
		Name  string
		Steps []step
	}
}

type step struct {
	Call, SQL, Status, ID, Name, Key, Value, Block, State string
	Tenant                                                *string
	SQLLen                                                *int `json:"sql_len"`
	Params                                                []*string
	ParamsRows                                            [][]*string `json:"params_rows"`
	Bind                                                  map[string]*string
	TimeoutMS                                             *int64 `json:"timeout_ms"`
	MaxRows                                               int64  `json:"max_rows"`
	Buffer                                                int
	Options                                               map[string]string
	Error                                                 map[string]any
	Columns, Declared, Types                              []string
	Blocks                                                [][]string
	Rows                                                  *[][]*string
	Affected, Parameters, Number                          *int64
	InsertID                                              *int64 `json:"insert_id"`
	Statements                                            *int64
	Cancel                                                string
	RowsCount                                             *int64  `json:"rows_count"`
	RowsSum                                               *string `json:"rows_sum"`
	Threads, Tenants, Rounds                              int
	Create, Write, Others, All                            string
}

// run is one test of a file on its way.
type run struct {
	t    *testing.T
	db   *DB
	conn *Conn
	name string
	step *step
}

func TestConformance(t *testing.T) {
	passed, failed, skipped := 0, 0, 0
	files, err := filepath.Glob("../conformance/*.json")
	if err != nil || len(files) == 0 {
		t.Fatal("no vectors", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var v vectors
		if err := json.Unmarshal(text, &v); err != nil {
			t.Fatal(file, err)
		}
		if name, named := strings.CutPrefix(v.URL, "env:"); named {
			if v.URL = os.Getenv(name); v.URL == "" && os.Getenv("MTDB_TEST_SERVERS") != "" {
				t.Fatal("servers without ", name)
			} else if v.URL == "" {
				fmt.Println("without", name, "not run:", filepath.Base(file))
				continue
			}
		}
		db, err := Open(v.URL)
		if err != nil {
			t.Fatal(file, err)
		}
		for i, test := range v.Tests {
			ok := t.Run(strings.TrimSuffix(filepath.Base(file), ".json")+"/"+test.Name, func(t *testing.T) {
				skipped += runTest(t, db, fmt.Sprint("t", i+1), test.Steps)
			})
			if ok {
				passed++
			} else {
				failed++
				fmt.Println("FAILED", file, test.Name)
			}
		}
		_ = db.Close()
	}
	fmt.Printf("conformance: %d steps that Go cannot say\n%d passed, %d failed\n", skipped, passed, failed)
}

func runTest(t *testing.T, db *DB, tenant string, steps []step) (skipped int) {
	ctx := WithTenant(context.Background(), tenant)
	if err := db.DropTenant(ctx, tenant); err != nil && !errors.Is(err, ErrTenantUnknown) { // of the run before
		t.Fatal(err)
	}
	if err := db.CreateTenant(ctx, tenant); err != nil {
		t.Fatal(err)
	}
	conn, err := db.Acquire(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for i := range steps {
		r := &run{t, db, conn, tenant, &steps[i]}
		if reason := r.unsayable(); reason != "" {
			skipped++
			continue
		}
		call, known := calls[r.step.Call]
		if !known {
			t.Fatalf("call %q", r.step.Call)
		}
		call(r)
	}
	return skipped
}

// unsayable is why a step has no form in Go.
func (r *run) unsayable() string {
	switch {
	case r.step.SQLLen != nil && *r.step.SQLLen < -1:
		return "a Go string has a length of its own"
	case r.step.Bind != nil && r.step.Bind["0"] != nil:
		return "arguments have no index 0"
	case r.step.Call == "statement" && r.step.Parameters != nil && len(r.step.Bind) == 1 && *r.step.Parameters == 2:
		return "a missing argument is refused before the library is asked"
	}
	return ""
}

func (r *run) context() (context.Context, context.CancelFunc) {
	ctx := WithTenant(context.Background(), r.name)
	if r.step.TimeoutMS != nil {
		return context.WithTimeout(ctx, time.Duration(*r.step.TimeoutMS)*time.Millisecond)
	}
	return ctx, func() {}
}

// tenant is the step's, else the test's.
func (r *run) tenant() string {
	if r.step.Tenant != nil {
		return *r.step.Tenant
	}
	return r.name
}

func (r *run) text() string {
	if n := r.step.SQLLen; n != nil && *n >= 0 {
		return r.step.SQL[:*n]
	}
	return r.step.SQL
}

func (r *run) values(list []*string) []any {
	values := make([]any, len(list))
	for i, text := range list {
		if text == nil {
			continue
		}
		value, err := tagged(*text)
		if err != nil {
			r.t.Fatal(err)
		}
		values[i] = value
	}
	return values
}

func (r *run) expect(what string, got, want any) {
	r.t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		r.t.Errorf("%s %.60q: %s is %v, not %v", r.step.Call, r.step.SQL, what, got, want)
	}
}

// outcome compares with the step's status and error.
func (r *run) outcome(err error) {
	r.t.Helper()
	want := r.step.Status
	if want == "" {
		want = "OK"
	}
	var failed *Error
	got := "OK"
	if errors.As(err, &failed) {
		got = failed.Code.String()
	} else if errors.Is(err, context.Canceled) { // before the library was called
		got = CodeCancelled.String()
	} else if errors.Is(err, context.DeadlineExceeded) {
		got = CodeTimeout.String()
	} else if err != nil {
		got = err.Error()
	}
	r.expect("status", got, want)
	if got != want {
		r.t.Log(err)
		return
	}
	if failed == nil {
		return
	}
	facts := map[string]any{"sqlstate": failed.SQLState, "engine": failed.Engine, "tenant": failed.Tenant,
		"message": failed.Message, "native": failed.Native, "line": failed.Line, "column": failed.Column,
		"statement": failed.Statement, "effect": failed.Effect, "retryable": failed.Retryable}
	for field, want := range r.step.Error {
		r.expect(field, facts[field], want)
	}
}

// table is what a result gave.
type table struct {
	columns, declared []string
	blocks            [][]string
	rows              [][]any
	result            Result
}

func (t *table) block(b *block) {
	if b.rows == 0 {
		return
	}
	var kinds []string
	for i := range b.columns {
		kinds = append(kinds, strings.ToLower(b.columns[i].kind.String()))
	}
	t.blocks = append(t.blocks, kinds)
	for row := range b.rows {
		values := make([]any, len(b.columns))
		for i := range b.columns {
			values[i] = b.columns[i].value(row)
		}
		t.rows = append(t.rows, values)
	}
}

// read reads rows through the public way, block by block.
func (t *table) read(rows *Rows, err error) error {
	if err != nil {
		return err
	}
	defer rows.Close()
	t.columns, t.declared = rows.columns.names, rows.columns.declared
	for rows.Next() {
		if rows.row == 1 {
			t.block(&rows.block)
		}
	}
	t.result = rows.summary
	return rows.Err()
}

// readRaw reads rows into buffers of another size, so many at a time.
func (t *table) readRaw(r *run, params []byte) error {
	var result, err uintptr
	status := raw.Mtdb_conn_query(r.conn.handle, r.step.SQL, params, int64(raw.MTDB_FOREVER), 0, &result, &err)
	if status != raw.MTDB_OK {
		return failure(status, err)
	}
	defer raw.Mtdb_result_release(result)
	size := r.step.Buffer
	if size == 0 {
		size = firstBufferBytes
	}
	buf := make([]byte, size)
	var b block
	for {
		var rows, used int64
		status := raw.Mtdb_result_fetch(result, buf, r.step.MaxRows, &rows, &used, &err)
		if status == raw.MTDB_TRUNCATED {
			buf = make([]byte, max(used, int64(2*len(buf))))
			continue
		}
		if failed := failure(status, err); failed != nil {
			return failed
		}
		b.parse(buf[:used])
		t.block(&b)
		if status == raw.MTDB_DONE {
			return nil
		}
	}
}

func (r *run) compare(t *table, err error) {
	r.t.Helper()
	r.outcome(err)
	if r.step.Columns != nil {
		r.expect("columns", t.columns, r.step.Columns)
	}
	if r.step.Declared != nil {
		r.expect("declared", t.declared, r.step.Declared)
	}
	if r.step.Types != nil && len(t.blocks) > 0 {
		r.expect("types", t.blocks[0], r.step.Types)
	}
	if r.step.Blocks != nil {
		r.expect("blocks", t.blocks, r.step.Blocks)
	}
	if r.step.Affected != nil {
		r.expect("affected", t.result.affected, *r.step.Affected)
	}
	if r.step.InsertID != nil {
		r.expect("insert id", t.result.insertID, *r.step.InsertID)
	}
	if r.step.Rows == nil {
		return
	}
	r.expect("rows", len(t.rows), len(*r.step.Rows))
	for i, want := range *r.step.Rows {
		if i >= len(t.rows) {
			break
		}
		for column, value := range r.values(want) {
			if column >= len(t.rows[i]) || !same(t.rows[i][column], value) {
				r.t.Errorf("%.60q row %d column %d: %T %.80v, not %T %.80v", r.step.SQL, i, column, t.rows[i][column],
					fmt.Sprint(t.rows[i][column]), value, fmt.Sprint(value))
			}
		}
	}
}

func callQuery(r *run) {
	ctx, cancel := r.context()
	defer cancel()
	var t table
	args := r.values(r.step.Params)
	if r.step.MaxRows > 0 || r.step.Buffer > 0 || r.step.ParamsRows != nil {
		params, err := appendParams(nil, args)
		if r.step.ParamsRows != nil {
			params, err = rowsBlock(r.list())
		}
		if err != nil {
			r.t.Fatal(err)
		}
		r.compare(&t, t.readRaw(r, params))
		return
	}
	if r.step.Call == "db_query" {
		ctx = WithTenant(ctx, r.tenant())
		r.compare(&t, t.read(r.db.Query(ctx, r.text(), args...)))
		return
	}
	r.compare(&t, t.read(r.conn.Query(ctx, r.text(), args...)))
}

func (r *run) list() [][]any {
	list := make([][]any, len(r.step.ParamsRows))
	for i, row := range r.step.ParamsRows {
		list[i] = r.values(row)
	}
	return list
}

func callExec(r *run) {
	ctx, cancel := r.context()
	defer cancel()
	var t table
	var err error
	if r.step.ParamsRows != nil {
		t.result.affected, err = r.conn.ExecRows(ctx, r.text(), r.list())
	} else {
		t.result, err = r.conn.Exec(ctx, r.text(), r.values(r.step.Params)...)
	}
	r.compare(&t, err)
}

func callStatement(r *run) {
	ctx, cancel := r.context()
	defer cancel()
	stmt, err := r.conn.Prepare(ctx, r.text())
	var t table
	if err != nil {
		r.compare(&t, err)
		return
	}
	defer stmt.Close()
	if r.step.Parameters != nil {
		r.expect("parameters", stmt.Parameters(), *r.step.Parameters)
	}
	if r.step.ParamsRows != nil {
		t.result.affected, err = r.conn.ExecRows(ctx, r.text(), r.list())
		r.compare(&t, err)
		return
	}
	r.compare(&t, t.read(stmt.Query(ctx, r.arguments()...)))
}

// arguments are by place where the vector has indexes, else by name.
func (r *run) arguments() []any {
	var byPlace, byName []any
	for name, text := range r.step.Bind {
		value := r.values([]*string{text})[0]
		if place, err := strconv.Atoi(name); err == nil {
			byPlace = append(byPlace, make([]any, max(0, place-len(byPlace)))...)
			byPlace[place-1] = value
		} else {
			byName = append(byName, sql.Named(name, value))
		}
	}
	return slices.Concat(byPlace, byName)
}

// callBadBlock passes bytes that are no block, which nothing above the raw layer would.
func callBadBlock(r *run) {
	bytes := r.values([]*string{&r.step.Block})[0].([]byte)
	var affected int64
	var err uintptr
	r.outcome(failure(raw.Mtdb_conn_exec(r.conn.handle, r.step.SQL, bytes, int64(raw.MTDB_FOREVER), 0, &affected, &err),
		err))
}

func callTx(end func(*Tx, string) error) func(*run) {
	return func(r *run) { r.outcome(end(&Tx{conn: r.conn}, r.step.Name)) }
}

func callBegin(r *run) {
	var options []Option
	for key, value := range r.step.Options {
		options = append(options, Set(key, value))
	}
	_, err := r.conn.Begin(context.Background(), options...)
	r.outcome(err)
}

func callAcquire(r *run) {
	conn, err := r.db.Acquire(WithTenant(context.Background(), r.tenant()))
	r.outcome(err)
	if conn != nil {
		_ = conn.Close()
	}
}

var calls = map[string]func(*run){
	"query": callQuery, "db_query": callQuery, "exec": callExec, "statement": callStatement, "bad_block": callBadBlock,
	"begin": callBegin, "acquire": callAcquire, "scan": callScan, "parallel": callParallel, "event": callEvent,
	"commit":            callTx(func(tx *Tx, _ string) error { return tx.Commit(context.Background()) }),
	"rollback":          callTx(func(tx *Tx, _ string) error { return tx.Rollback() }),
	"savepoint":         callTx((*Tx).Savepoint),
	"rollback_to":       callTx((*Tx).RollbackTo),
	"release_savepoint": callTx((*Tx).Release),
	"close":             func(r *run) { r.outcome(r.conn.Close()) },
	"script": func(r *run) {
		statements, err := r.conn.Script(context.Background(), r.text())
		if r.step.Statements != nil {
			r.expect("statements", statements, *r.step.Statements)
		}
		r.outcome(err)
	},
	"insert_id": func(r *run) {
		id, err := r.conn.InsertID()
		if r.step.InsertID != nil {
			r.expect("insert id", id, *r.step.InsertID)
		}
		r.outcome(err)
	},
	"state": func(r *run) {
		state, err := r.conn.TxState()
		want := r.step.State
		if want == "" {
			want = "none"
		}
		r.expect("state", map[TxState]string{TxNone: "none", TxOpen: "open", TxLost: "lost"}[state], want)
		r.outcome(err)
	},
	"create":       func(r *run) { r.outcome(r.db.CreateTenant(context.Background(), r.tenant())) },
	"check_tenant": func(r *run) { r.outcome(r.db.CheckTenant(r.values([]*string{&r.step.ID})[0].(string))) },
	"option": func(r *run) {
		r.outcome(withOptions([]Option{Set(r.step.Key, r.step.Value)}, func(uintptr) error { return nil }))
	},
	"status_name": func(r *run) { r.expect("name", Code(*r.step.Number).String(), r.step.Name) },
}
