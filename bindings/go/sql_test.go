// SPDX-License-Identifier: MIT

package mtdb_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	mtdb "github.com/mtdb/mtdb/bindings/go"
)

// sqlTenants opens a *sql.DB, and a table with one row of its own in each of n tenants.
func sqlTenants(t *testing.T, b backend, n int) (*mtdb.DB, *sql.DB, []context.Context) {
	t.Helper()
	db := open(t, b.url, b.options...)
	pool := db.SQL()
	t.Cleanup(func() { _ = pool.Close() })
	list := make([]context.Context, n)
	for i := range list {
		ctx, _ := newTenant(t, db)
		_, err := pool.ExecContext(ctx, "CREATE TABLE t (id INTEGER PRIMARY KEY, text VARCHAR(100))")
		must(t, err)
		_, err = pool.ExecContext(ctx, b.place("INSERT INTO t VALUES (?, ?)"), i, fmt.Sprint("of ", i))
		must(t, err)
		list[i] = ctx
	}
	return db, pool, list
}

func TestSQLOneSQLDBServesAllTenants(t *testing.T) {
	onBackends(t, func(t *testing.T, b backend) {
		db, pool, list := sqlTenants(t, b, 3)
		for i, ctx := range list {
			var id int
			var text string
			must(t, pool.QueryRowContext(ctx, "SELECT id, text FROM t").Scan(&id, &text))
			if id != i || text != fmt.Sprint("of ", i) {
				t.Errorf("tenant %d reads %d %s", i, id, text)
			}
		}
		figures, err := db.Stats()
		if err != nil || figures["leases.now"].Value != 0 {
			t.Errorf("leases between calls: %v %v", figures["leases.now"], err)
		}
	})
}

func TestSQLWithoutATenantIsAnErrorEverywhere(t *testing.T) {
	_, pool, _ := sqlTenants(t, backend{name: "sqlite", url: folder(t)}, 1)
	_, exec := pool.Exec("SELECT 1")
	_, query := pool.Query("SELECT 1")
	_, prepare := pool.Prepare("SELECT 1")
	_, begin := pool.Begin()
	conn, err := pool.Conn(context.Background())
	must(t, err)
	defer conn.Close()
	_, onConn := conn.ExecContext(context.Background(), "SELECT 1")
	var n int
	for name, err := range map[string]error{"exec": exec, "query": query, "prepare": prepare, "begin": begin,
		"ping": pool.Ping(), "row": pool.QueryRow("SELECT 1").Scan(&n), "conn": onConn} {
		if !errors.Is(err, mtdb.ErrNoTenant) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSQLAStatementRunsInTheTenantOfEachCall(t *testing.T) {
	onBackends(t, func(t *testing.T, b backend) {
		_, pool, list := sqlTenants(t, b, 3)
		stmt, err := pool.PrepareContext(list[0], b.place("SELECT text FROM t WHERE id = ?"))
		must(t, err)
		defer stmt.Close()
		for i, ctx := range list {
			var text string
			must(t, stmt.QueryRowContext(ctx, i).Scan(&text))
			if text != fmt.Sprint("of ", i) {
				t.Errorf("tenant %d reads %s", i, text)
			}
		}
		if _, err := stmt.Exec(1); !errors.Is(err, mtdb.ErrNoTenant) {
			t.Errorf("without a context: %v", err)
		}
		if _, err := stmt.ExecContext(list[0], 1, 2); err == nil {
			t.Error("too many arguments were taken")
		}
		if _, err := pool.PrepareContext(list[0], "SELEKT 1"); b.name == "sqlite" && !errors.Is(err, mtdb.CodeSQL) {
			t.Errorf("a wrong statement: %v", err)
		}
	})
}

func TestSQLATransactionIsInOneTenant(t *testing.T) {
	onBackends(t, func(t *testing.T, b backend) {
		_, pool, list := sqlTenants(t, b, 2)
		tx, err := pool.BeginTx(list[0], &sql.TxOptions{Isolation: sql.LevelSerializable})
		must(t, err)
		_, err = tx.Exec("INSERT INTO t VALUES (7, 'seven')") // no context: the transaction's tenant
		must(t, err)
		if _, err := tx.ExecContext(list[1], "DELETE FROM t"); !errors.Is(err, mtdb.ErrOtherTenant) {
			t.Errorf("in another tenant: %v", err)
		}
		rows, err := tx.Query("SELECT id FROM t ORDER BY id")
		must(t, err)
		if !rows.Next() {
			t.Error("no row")
		}
		_, err = tx.Exec("INSERT INTO t VALUES (8, 'eight')") // while rows are open
		must(t, err)
		must(t, rows.Close())
		must(t, tx.Commit())
		for i, want := range []int{3, 1} {
			var count int
			must(t, pool.QueryRowContext(list[i], "SELECT COUNT(*) FROM t").Scan(&count))
			if count != want {
				t.Errorf("tenant %d has %d rows", i, count)
			}
		}
		if _, err := pool.BeginTx(list[0], &sql.TxOptions{Isolation: sql.LevelLinearizable}); !errors.Is(err,
			mtdb.ErrUnsupported) {
			t.Errorf("linearizable: %v", err)
		}
		read, err := pool.BeginTx(list[0], &sql.TxOptions{ReadOnly: true})
		must(t, err)
		if _, err := read.Exec("DELETE FROM t"); !errors.Is(err, mtdb.CodeReadOnly) {
			t.Errorf("writing in a read-only one: %v", err)
		}
		must(t, read.Rollback())
	})
}

func TestSQLValuesColumnTypesAndTimes(t *testing.T) {
	_, pool, list := sqlTenants(t, backend{name: "sqlite", url: folder(t)}, 1)
	ctx, now := list[0], time.Date(2026, 5, 6, 7, 8, 9, 123456000, time.UTC)
	_, err := pool.ExecContext(ctx, "CREATE TABLE v (n INTEGER NOT NULL, d REAL, b BLOB, at DATETIME, flag BOOLEAN)")
	must(t, err)
	result, err := pool.ExecContext(ctx, "INSERT INTO v VALUES (:n, :d, :b, :at, :flag)", sql.Named("flag", true),
		sql.Named("n", 7), sql.Named("d", 1.5), sql.Named("b", []byte{1}), sql.Named("at", now.In(time.FixedZone("", 3600))))
	must(t, err)
	if id, err := result.LastInsertId(); err != nil || id != 1 {
		t.Error("insert id", id, err)
	}
	rows, err := pool.QueryContext(ctx, "SELECT n, d, b, at, flag FROM v")
	must(t, err)
	defer rows.Close()
	types, err := rows.ColumnTypes()
	must(t, err)
	var names []string
	for _, kind := range types {
		names = append(names, kind.DatabaseTypeName()+" "+kind.ScanType().String())
	}
	want := []string{"INTEGER int64", "REAL float64", "BLOB []uint8", "DATETIME time.Time", "BOOLEAN int64"}
	if !reflect.DeepEqual(names, want) {
		t.Errorf("column types %q", names)
	}
	var n int64
	var d float64
	var raw sql.RawBytes
	var at time.Time
	var flag bool
	if !rows.Next() {
		t.Fatal(rows.Err())
	}
	must(t, rows.Scan(&n, &d, &raw, &at, &flag))
	if n != 7 || d != 1.5 || len(raw) != 1 || !at.Equal(now) || !flag {
		t.Error(n, d, raw, at, flag)
	}
}

func TestSQLValuesOfABlockOutliveIt(t *testing.T) {
	_, pool, list := sqlTenants(t, backend{name: "sqlite", url: folder(t)}, 1)
	const series = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 30000) " +
		"SELECT n, n + 0.5, 'text ' || n, CASE n % 3 WHEN 0 THEN NULL WHEN 1 THEN n ELSE 'x' || n END FROM c"
	rows, err := pool.QueryContext(list[0], series)
	must(t, err)
	var kept [][4]any
	for rows.Next() {
		var row [4]any
		must(t, rows.Scan(&row[0], &row[1], &row[2], &row[3]))
		kept = append(kept, row)
	}
	must(t, rows.Err())
	for i, row := range kept {
		n := int64(i + 1)
		mixed := []any{nil, n, fmt.Sprint("x", n)}[n%3]
		if row != [4]any{n, float64(n) + 0.5, fmt.Sprint("text ", n), mixed} {
			t.Fatalf("row %d is %v", n, row)
		}
	}
	if len(kept) != 30000 {
		t.Fatal(len(kept))
	}
}

func TestSQLAManyTenantsStressOfDatabaseSQL(t *testing.T) {
	onBackends(t, func(t *testing.T, b backend) {
		_, pool, list := sqlTenants(t, b, 10)
		rounds := int64(scaled(4000))
		var done atomic.Int64
		var group sync.WaitGroup
		for range 100 {
			group.Go(func() {
				for done.Add(1) <= rounds {
					stressOnce(t, b, pool, list)
				}
			})
		}
		group.Wait()
		for i, ctx := range list {
			var own int
			must(t, pool.QueryRowContext(ctx, "SELECT COUNT(*) FROM t WHERE text NOT LIKE 'of "+fmt.Sprint(i)+"%'").Scan(&own))
			if own != 0 {
				t.Errorf("tenant %d has %d rows of others", i, own)
			}
		}
	})
}

func stressOnce(t *testing.T, b backend, pool *sql.DB, list []context.Context) {
	i := rand.IntN(len(list))
	ctx, cancel := context.WithTimeout(list[i], time.Duration(1+rand.IntN(200))*time.Millisecond)
	defer cancel()
	var err error
	switch rand.IntN(4) {
	case 0:
		_, err = pool.ExecContext(ctx, b.place("INSERT INTO t VALUES (?, ?)"), rand.Int32(), fmt.Sprintf("of %d!", i))
	case 1:
		var tx *sql.Tx
		if tx, err = pool.BeginTx(ctx, nil); err == nil {
			if _, err = tx.ExecContext(ctx, b.place("UPDATE t SET text = ? WHERE id = ?"), fmt.Sprint("of ", i), i); err == nil {
				err = tx.Commit()
			} else {
				_ = tx.Rollback()
			}
		}
	default:
		var rows *sql.Rows
		if rows, err = pool.QueryContext(ctx, "SELECT text FROM t"); err == nil {
			for rows.Next() && rand.IntN(20) > 0 {
				var text string
				if err := rows.Scan(&text); err == nil && text[:len("of ")+len(fmt.Sprint(i))] != fmt.Sprint("of ", i) {
					t.Errorf("tenant %d reads %q", i, text)
				}
			}
			err = errors.Join(rows.Err(), rows.Close())
		}
	}
	for _, usual := range []error{context.DeadlineExceeded, sql.ErrTxDone, mtdb.CodeConstraint, mtdb.CodeBusy,
		mtdb.CodeSerialization, mtdb.ErrTxLost} {
		if errors.Is(err, usual) && !errors.Is(err, mtdb.CodeUnavailable) {
			return
		}
	}
	if err != nil {
		t.Errorf("tenant %d: %v", i, err)
	}
}

func TestSQLTheLeaseOfATransactionIsReached(t *testing.T) {
	onBackends(t, func(t *testing.T, b backend) {
		_, pool, list := sqlTenants(t, b, 1)
		conn, err := pool.Conn(list[0])
		must(t, err)
		defer conn.Close()
		if err := mtdb.LeaseOf(conn, func(*mtdb.Conn) error { return nil }); !errors.Is(err, sql.ErrConnDone) {
			t.Errorf("without a transaction: %v", err)
		}
		tx, err := conn.BeginTx(list[0], nil)
		must(t, err)
		must(t, mtdb.LeaseOf(conn, func(lease *mtdb.Conn) error {
			_, err := lease.ExecRows(list[0], b.place("INSERT INTO t VALUES (?, ?)"), [][]any{{7, "a"}, {8, nil}})
			return err
		}))
		must(t, tx.Rollback())
		var count int
		must(t, conn.QueryRowContext(list[0], "SELECT COUNT(*) FROM t").Scan(&count))
		if count != 1 {
			t.Errorf("%d rows", count)
		}
	})
}

func TestSQLADBOverOneLease(t *testing.T) {
	onBackends(t, func(t *testing.T, b backend) {
		db, _, list := sqlTenants(t, b, 2)
		lease, err := db.Acquire(list[0])
		must(t, err)
		defer lease.Close()
		pool := lease.SQL()
		var text string
		must(t, pool.QueryRow("SELECT text FROM t").Scan(&text)) // no context: the lease's tenant
		if _, err := pool.ExecContext(list[1], "DELETE FROM t"); !errors.Is(err, mtdb.ErrOtherTenant) || text != "of 0" {
			t.Error(text, err)
		}
		tx, err := pool.Begin()
		must(t, err)
		_, err = tx.Exec("DELETE FROM t")
		must(t, err)
		must(t, tx.Rollback())
		must(t, pool.Close())
		must(t, lease.QueryRow(list[0], "SELECT text FROM t").Scan(&text)) // closing the pool left the lease
	})
}

func TestSQLARowLargerThanTheBufferIsReadWhole(t *testing.T) {
	db := open(t, "echo:")
	ctx, _ := newTenant(t, db)
	large := make([]byte, 300<<10)
	var back []byte
	must(t, db.QueryRow(ctx, "echo ?1", large).Scan(&back))
	if len(back) != len(large) {
		t.Errorf("%d bytes", len(back))
	}
	figures, err := db.Stats()
	if err != nil || figures["leases.now"].Value != 0 {
		t.Error(figures["leases.now"], err)
	}
}

func TestSQLOpenByNameTakesOptionsFromTheURL(t *testing.T) {
	path := folder(t)
	pool, err := sql.Open(mtdb.DriverName, "sqlite:"+path+"?mtdb_tenant.create=on_first_use")
	must(t, err)
	ctx := mtdb.WithTenant(context.Background(), "acme")
	_, err = pool.ExecContext(ctx, "CREATE TABLE t (id INTEGER)")
	must(t, err)
	if db, ok := mtdb.FromSQL(pool); !ok || db.Engine() != "sqlite" {
		t.Error("no db behind the pool")
	}
	must(t, pool.Close())
	if _, err := sql.Open(mtdb.DriverName, "sqlite:"+path+"?mtdb_pool.sise_max=4"); !errors.Is(err, mtdb.ErrInvalid) {
		t.Errorf("an unknown option: %v", err)
	}
}
