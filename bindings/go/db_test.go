// SPDX-License-Identifier: MIT

package mtdb_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	mtdb "github.com/mtdb/mtdb/bindings/go"
)

func TestRowsOfTwoTenantsStayApart(t *testing.T) {
	onBackends(t, func(t *testing.T, b backend) {
		db := open(t, b.url)
		one, _ := newTenant(t, db)
		two, _ := newTenant(t, db)
		for i, ctx := range []context.Context{one, two} {
			_, err := db.Script(ctx, "CREATE TABLE note (id INTEGER PRIMARY KEY, text VARCHAR(40))")
			must(t, err)
			result, err := db.Exec(ctx, b.place("INSERT INTO note VALUES (?, ?)"), i+1, fmt.Sprint("of ", i+1))
			must(t, err)
			if n, _ := result.RowsAffected(); n != 1 {
				t.Errorf("affected %d", n)
			}
		}
		for i, ctx := range []context.Context{one, two} {
			var id int64
			var text string
			must(t, db.QueryRow(ctx, "SELECT id, text FROM note").Scan(&id, &text))
			if id != int64(i+1) || text != fmt.Sprint("of ", i+1) {
				t.Errorf("tenant %d reads %d %q", i+1, id, text)
			}
		}
	})
}

func TestACallWithoutATenantIsAnError(t *testing.T) {
	db := open(t, folder(t))
	ctx := context.Background()
	_, execErr := db.Exec(ctx, "SELECT 1")
	_, queryErr := db.Query(mtdb.WithTenant(ctx, ""), "SELECT 1")
	_, acquireErr := db.Acquire(ctx)
	calls := map[string]error{"exec": execErr, "query": queryErr, "acquire": acquireErr, "ping": db.Ping(ctx),
		"row": db.QueryRow(ctx, "SELECT 1").Scan(), "tx": db.RunTx(ctx, func(*mtdb.Tx) error { return nil })}
	for name, err := range calls {
		if !errors.Is(err, mtdb.ErrNoTenant) || !errors.Is(err, mtdb.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAnUnknownTenantIsAnErrorAndIsNotMade(t *testing.T) {
	onBackends(t, func(t *testing.T, b backend) {
		db := open(t, b.url)
		ctx := mtdb.WithTenant(context.Background(), "nobody_here")
		_, err := db.Exec(ctx, "SELECT 1")
		var failed *mtdb.Error
		if !errors.Is(err, mtdb.ErrTenantUnknown) || !errors.As(err, &failed) || failed.Tenant != "nobody_here" {
			t.Errorf("exec: %v", err)
		}
		if err := db.Ping(ctx); !errors.Is(err, mtdb.CodeTenantUnknown) {
			t.Errorf("ping: %v", err)
		}
		if found, err := db.TenantExists(context.Background(), "nobody_here"); err != nil || found {
			t.Errorf("exists: %v %v", found, err)
		}
	})
}

func TestTenantsAreListedCopiedRenamedAndDropped(t *testing.T) {
	db, ctx := open(t, folder(t)), context.Background()
	must(t, db.CreateTenant(ctx, "a"))
	if err := db.CreateTenant(ctx, "a"); !errors.Is(err, mtdb.ErrExists) {
		t.Errorf("again: %v", err)
	}
	must(t, db.CopyTenant(ctx, "a", "c"))
	if err := db.RenameTenant(ctx, "a", "b"); !errors.Is(err, mtdb.ErrUnsupported) {
		t.Errorf("a file is renamed: %v", err)
	}
	var list []string
	for tenant, err := range db.Tenants(ctx) {
		must(t, err)
		list = append(list, tenant)
	}
	if slices.Sort(list); !slices.Equal(list, []string{"a", "c"}) {
		t.Errorf("tenants %v", list)
	}
	must(t, db.DropTenant(ctx, "c"))
	if found, err := db.TenantExists(ctx, "c"); err != nil || found {
		t.Errorf("dropped: %v %v", found, err)
	}
	if err := db.CheckTenant("../x"); !errors.Is(err, mtdb.ErrInvalid) {
		t.Errorf("check: %v", err)
	}
}

func TestEveryTypeOfParameterComesBack(t *testing.T) {
	db := open(t, "echo:")
	ctx, _ := newTenant(t, db)
	moment := time.Date(2026, 2, 28, 23, 59, 59, 123456000, time.UTC)
	values := []any{nil, true, int64(math.MinInt64), uint64(math.MaxUint64), float32(1.5), math.Inf(1),
		mtdb.Decimal("1.10"), "a\x00😀", []byte{}, []byte{0, 255}, mtdb.DateOf(moment), 90 * time.Minute,
		mtdb.TimestampOf(moment), moment, mtdb.UUID{1, 2, 15: 16}, mtdb.JSON(`{"a":1}`), mtdb.Interval{1, -2, 3},
		mtdb.Other("{1,2}"), ""}
	for _, value := range values {
		rows, err := db.Query(ctx, "echo ?1", value)
		must(t, err)
		if !rows.Next() || !reflect.DeepEqual(rows.Value(0), value) {
			t.Errorf("%T %v came back as %T %v", value, value, rows.Value(0), rows.Value(0))
		}
		must(t, rows.Close())
	}
}

func TestScanConvertsWithoutLoss(t *testing.T) {
	db := open(t, folder(t))
	ctx, _ := newTenant(t, db)
	var small int8
	var flag bool
	var text, none *string
	var null sql.NullInt64
	var when time.Time
	var number float64
	err := db.QueryRow(ctx, "SELECT 127, 1, 'x', NULL, 7, '2026-01-02 03:04:05', 3").
		Scan(&small, &flag, &text, &none, &null, &when, &number)
	must(t, err)
	if small != 127 || !flag || *text != "x" || none != nil || null.Int64 != 7 || when.Year() != 2026 || number != 3 {
		t.Error(small, flag, *text, none, null, when, number)
	}
	for sql, target := range map[string]any{"SELECT 128": &small, "SELECT 'x'": &flag, "SELECT NULL": &small,
		"SELECT 1.5": new(int64), "SELECT 9007199254740993": &number} {
		if err := db.QueryRow(ctx, sql).Scan(target); !errors.Is(err, mtdb.ErrInvalid) {
			t.Errorf("%s into %T: %v", sql, target, err)
		}
	}
	for _, target := range []any{nil, 7, (*int64)(nil), (*string)(nil), (*[]byte)(nil), (*any)(nil), (*time.Time)(nil)} {
		for _, sql := range []string{"SELECT 1", "SELECT 'x'"} {
			if err := db.QueryRow(ctx, sql).Scan(target); !errors.Is(err, mtdb.ErrInvalid) {
				t.Errorf("%s into a %T that is nil: %v", sql, target, err)
			}
		}
	}
	if err := db.QueryRow(ctx, "SELECT 1 WHERE 0").Scan(&small); err != sql.ErrNoRows {
		t.Errorf("no row: %v", err)
	}
}

func TestLongResultsAndLongRowsAreReadWhole(t *testing.T) {
	onBackends(t, func(t *testing.T, b backend) {
		db := open(t, b.url)
		ctx, _ := newTenant(t, db)
		_, err := db.Script(ctx, "CREATE TABLE t (id INTEGER, text LONGTEXT)"[:len("CREATE TABLE t (id INTEGER, text ")]+
			map[string]string{"mysql": "LONGTEXT)", "sqlite": "TEXT)", "postgres": "TEXT)"}[b.name])
		must(t, err)
		rows := make([][]any, 20000)
		for i := range rows {
			rows[i] = []any{i, fmt.Sprint("row ", i)}
		}
		rows[777][1] = string(make([]byte, 0)) + fmt.Sprintf("%0700000d", 7)
		n, err := db.ExecRows(ctx, b.place("INSERT INTO t VALUES (?, ?)"), rows)
		if must(t, err); n != int64(len(rows)) {
			t.Fatalf("inserted %d", n)
		}
		read, err := db.Query(ctx, "SELECT id, text FROM t ORDER BY id")
		must(t, err)
		for i := range rows {
			if !read.Next() || read.Int64(0) != int64(i) || read.Text(1) != rows[i][1] {
				t.Fatalf("row %d is %d, %.20q (%v)", i, read.Int64(0), read.Text(1), read.Err())
			}
		}
		if read.Next() || read.Err() != nil {
			t.Fatal("rows behind the last", read.Err())
		}
	})
}

func TestNamedArguments(t *testing.T) {
	db := open(t, folder(t))
	ctx, _ := newTenant(t, db)
	var a, b string
	must(t, db.QueryRow(ctx, "SELECT :a, :b", sql.Named("b", "B"), sql.Named("a", "A")).Scan(&a, &b))
	if a != "A" || b != "B" {
		t.Error(a, b)
	}
	if err := db.QueryRow(ctx, "SELECT :a", sql.Named("x", 1)).Scan(&a); !errors.Is(err, mtdb.ErrNotFound) {
		t.Errorf("no such name: %v", err)
	}
	if err := db.QueryRow(ctx, "SELECT :a, :b", sql.Named("a", 1)).Scan(&a, &b); !errors.Is(err, mtdb.ErrInvalid) {
		t.Errorf("one missing: %v", err)
	}
}

func TestATransactionThatFailsOrPanicsLeavesNothing(t *testing.T) {
	onBackends(t, func(t *testing.T, b backend) {
		db := open(t, b.url)
		ctx, _ := newTenant(t, db)
		_, err := db.Script(ctx, "CREATE TABLE t (id INTEGER PRIMARY KEY)")
		must(t, err)
		mine := errors.New("mine")
		insert := func(tx *mtdb.Tx) { _, err := tx.Exec(ctx, "INSERT INTO t VALUES (1)"); must(t, err) }
		if err := db.RunTx(ctx, func(tx *mtdb.Tx) error { insert(tx); return mine }); err != mine {
			t.Errorf("another error: %v", err)
		}
		func() {
			defer func() { _ = recover() }()
			_ = db.RunTx(ctx, func(tx *mtdb.Tx) error { insert(tx); panic("in the middle") })
		}()
		var count int
		must(t, db.QueryRow(ctx, "SELECT COUNT(*) FROM t").Scan(&count))
		if count != 0 {
			t.Errorf("%d rows stayed", count)
		}
		must(t, db.RunTx(ctx, func(tx *mtdb.Tx) error { insert(tx); return nil }))
		must(t, db.QueryRow(ctx, "SELECT COUNT(*) FROM t").Scan(&count))
		if stats, err := db.Stats(); err != nil || count != 1 || stats["leases.out"].Value != 0 {
			t.Errorf("%d rows, leases %v, %v", count, stats["leases.out"], err)
		}
	})
}

func TestConflictingTransactionsAreRunAgain(t *testing.T) {
	onBackends(t, func(t *testing.T, b backend) {
		db := open(t, b.url)
		ctx, _ := newTenant(t, db)
		_, err := db.Script(ctx, "CREATE TABLE t (n INTEGER); INSERT INTO t VALUES (0)")
		must(t, err)
		var group sync.WaitGroup
		for range 4 {
			group.Go(func() {
				for range 10 {
					must2(t, db.RunTx(ctx, func(tx *mtdb.Tx) error {
						var n int
						if err := tx.QueryRow(ctx, "SELECT n FROM t").Scan(&n); err != nil {
							return err
						}
						_, err := tx.Exec(ctx, b.place("UPDATE t SET n = ?"), n+1)
						return err
					}, mtdb.WithTxIsolation("serializable")))
				}
			})
		}
		group.Wait()
		var n int
		must(t, db.QueryRow(ctx, "SELECT n FROM t").Scan(&n))
		if n != 40 {
			t.Errorf("counted to %d", n)
		}
	})
}

func must2(t *testing.T, err error) {
	if err != nil {
		t.Error(err)
	}
}

func TestABatchIsAllOrNothing(t *testing.T) {
	onBackends(t, func(t *testing.T, b backend) {
		db := open(t, b.url)
		ctx, _ := newTenant(t, db)
		_, err := db.Script(ctx, "CREATE TABLE t (id INTEGER PRIMARY KEY)")
		must(t, err)
		insert := b.place("INSERT INTO t VALUES (?)")
		_, err = db.ExecBatch(ctx, new(mtdb.Batch).Add(insert, 1).Add(insert, 1))
		var failed *mtdb.Error
		if !errors.As(err, &failed) || failed.Code != mtdb.CodeConstraint || failed.Statement != 2 {
			t.Errorf("%#v", err)
		}
		results, err := db.ExecBatch(ctx, new(mtdb.Batch).Add(insert, 1).Add(insert, 2))
		if err != nil || len(results) != 2 {
			t.Error(results, err)
		}
	})
}

func TestALeaseServesOneGoroutineAndItsOwnTenant(t *testing.T) {
	db := open(t, folder(t))
	one, _ := newTenant(t, db)
	two, other := newTenant(t, db)
	conn, err := db.Acquire(one)
	must(t, err)
	defer conn.Close()
	if _, err := conn.Exec(two, "SELECT 1"); !errors.Is(err, mtdb.ErrOtherTenant) {
		t.Errorf("in another tenant: %v", err)
	}
	_, err = conn.Exec(context.Background(), "SELECT 1")
	must(t, err)
	rows, err := conn.Query(one, "SELECT 1 UNION ALL SELECT 2")
	must(t, err)
	must(t, conn.Use(context.Background(), other))
	if _, err := conn.Exec(two, "SELECT 1"); err != nil || conn.Tenant() != other {
		t.Errorf("after use: %v in %s", err, conn.Tenant())
	}
	_ = rows.Close()
	must(t, conn.Close())
	must(t, conn.Close())
	if _, err := conn.Exec(two, "SELECT 1"); !errors.Is(err, sql.ErrConnDone) {
		t.Errorf("after close: %v", err)
	}
}

func TestASecondGoroutineInALeaseIsMisuse(t *testing.T) {
	db := open(t, "echo:")
	ctx, _ := newTenant(t, db)
	conn, err := db.Acquire(ctx)
	must(t, err)
	defer conn.Close()
	slow, cancel := context.WithCancel(ctx)
	began := make(chan struct{})
	ended := make(chan error)
	go func() {
		close(began)
		_, err := conn.Exec(slow, "sleep 60000")
		for errors.Is(err, mtdb.CodeMisuse) { // the other one was in it
			_, err = conn.Exec(slow, "sleep 60000")
		}
		ended <- err
	}()
	<-began
	for {
		if _, err = conn.Exec(ctx, "echo 1"); err != nil {
			break
		}
	}
	if !errors.Is(err, mtdb.CodeMisuse) {
		t.Errorf("second: %v", err)
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("first: %v", err)
	}
	_, err = conn.Exec(ctx, "echo 1")
	must(t, err)
}
