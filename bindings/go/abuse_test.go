// SPDX-License-Identifier: MIT

package mtdb_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	mtdb "github.com/mtdb/mtdb/bindings/go"
)

func TestRunsOverManyTenantsAskTheResolver(t *testing.T) {
	none := errors.New("not in the directory")
	db, err := mtdb.OpenWithResolver(folder(t), func(_ context.Context, tenant string) (string, error) {
		if tenant == "ghost" {
			return "", none
		}
		return "at_" + tenant + ".db", nil
	}, mtdb.WithTenantCreate("on_first_use"))
	must(t, err)
	defer db.Close()
	ctx := context.Background()
	m, err := db.Migrator()
	must(t, err)
	must(t, m.Add(scripts()...))
	outcomes, err := m.Run(ctx, "migrate", mtdb.Latest, []string{"a", "ghost", "b"})
	if err != nil || len(outcomes) != 3 || outcomes[0].Applied != 2 || outcomes[2].Applied != 2 ||
		!errors.Is(outcomes[1].Err, mtdb.ErrTenantUnknown) {
		t.Error(outcomes, err)
	}
	f, err := db.Fleet(m, mtdb.WithFleetLedger("off"))
	must(t, err)
	must(t, f.Add("c"))
	must(t, f.AddWave("d", "e"))
	if failed, err := f.Run(ctx); failed != 0 || err != nil {
		t.Error(failed, err)
	}
	query := queryOf(t, db, []string{"f", "a"}, "SELECT 1")
	rows, err := query.Query(ctx)
	read, err := mtdb.Collect(rows, err, func(r *mtdb.Rows) (string, error) { return r.Text(0), nil })
	if err != nil || len(read) != 2 {
		t.Error(read, err)
	}
}

func TestARouteThatWasForgottenIsAnErrorOfItsTenant(t *testing.T) {
	db, err := mtdb.OpenWithResolver(folder(t), func(_ context.Context, tenant string) (string, error) {
		return tenant + ".db", nil
	}, mtdb.WithTenantCreate("on_first_use"), mtdb.WithRouteTTL(time.Millisecond))
	must(t, err)
	defer db.Close()
	m, err := db.Migrator()
	must(t, err)
	must(t, m.Add(scripts()...))
	list := make([]string, 40)
	for i := range list {
		list[i] = fmt.Sprint("t", i)
	}
	outcomes, err := m.Run(context.Background(), "migrate", mtdb.Latest, list, mtdb.WithRunWorkers(1))
	must(t, err)
	for _, outcome := range outcomes {
		if outcome.Applied != 2 && !mtdb.Retryable(outcome.Err) {
			t.Errorf("%v", outcome)
		}
	}
}

func TestSQLRawBytesStayWhileTheirContextEnds(t *testing.T) {
	db := open(t, folder(t))
	pool := db.SQL()
	defer pool.Close()
	ctx, _ := newTenant(t, db)
	var group sync.WaitGroup
	for worker := range 8 {
		group.Go(func() {
			query := fmt.Sprintf("WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 5000) "+
				"SELECT CAST('%d-' || n AS BLOB) FROM c", worker)
			for round := range scaled(100) {
				rawBytesOnce(t, ctx, pool, query, worker, 10+round%3000)
			}
		})
	}
	group.Wait()
	idle(t, db)
}

// rawBytesOnce reads rows, and ends the context while it looks at one.
func rawBytesOnce(t *testing.T, ctx context.Context, pool *sql.DB, query string, worker, at int) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	rows, err := pool.QueryContext(ctx, query)
	if err != nil {
		t.Error(err)
		return
	}
	defer rows.Close()
	for n := 1; rows.Next(); n++ {
		var raw sql.RawBytes
		if rows.Scan(&raw) != nil {
			return
		}
		if n == at {
			go cancel()
			runtime.Gosched()
		}
		for range 3 {
			if string(raw) != fmt.Sprint(worker, "-", n) {
				t.Errorf("worker %d row %d: %q", worker, n, raw)
			}
		}
	}
}

// panicky panics as a parameter and as a target.
type panicky struct{}

func (panicky) Value() (driver.Value, error) { panic("value") }
func (*panicky) Scan(any) error              { panic("scan") }

func TestAPanicAnywhereLeavesNoLease(t *testing.T) {
	onBackends(t, func(t *testing.T, b backend) {
		db := open(t, b.url)
		ctx, _ := newTenant(t, db)
		two, one := "SELECT 1 UNION ALL SELECT 2", b.place("SELECT ?")
		for name, f := range map[string]func(){
			"in a range loop": func() {
				rows, err := db.Query(ctx, two)
				must(t, err)
				for range rows.All() {
					panic(1)
				}
			},
			"in With": func() { _ = db.With(ctx, func(c *mtdb.Conn) error { _, _ = c.Begin(ctx); panic(1) }) },
			"in Collect": func() {
				rows, err := db.Query(ctx, wide[b.name])
				_, _ = mtdb.Collect(rows, err, func(*mtdb.Rows) (int, error) { panic(1) })
			},
			"in Scan":        func() { _ = db.QueryRow(ctx, two).Scan(new(panicky)) },
			"in a parameter": func() { _, _ = db.Exec(ctx, one, panicky{}) },
			"in a lease's": func() {
				_ = db.With(ctx, func(c *mtdb.Conn) error { _, err := c.Exec(ctx, one, panicky{}); return err })
			},
			"in a transaction's": func() {
				_ = db.RunTx(ctx, func(tx *mtdb.Tx) error { _, err := tx.Exec(ctx, one, panicky{}); return err })
			},
		} {
			panics := func() (caught any) { defer func() { caught = recover() }(); f(); return nil }
			if panics() == nil {
				t.Error("no panic", name)
			}
		}
		gone := make(chan struct{})
		go func() { // as t.FailNow does
			defer close(gone)
			_ = db.RunTx(ctx, func(tx *mtdb.Tx) error { _, _ = tx.Exec(ctx, "SELECT 1"); runtime.Goexit(); return nil })
		}()
		<-gone
		idle(t, db)
	})
}

func TestStressNoCallEverReadsAnotherTenantsRow(t *testing.T) {
	onBackends(t, func(t *testing.T, b backend) {
		const tenants, rows = 12, 400
		db := open(t, b.url, mtdb.WithPoolSizeMax(4))
		l := &leaks{t: t, b: b, db: db, pool: db.SQL(), list: make([]context.Context, tenants)}
		t.Cleanup(func() { _ = l.pool.Close() })
		for i := range l.list {
			l.list[i], _ = newTenant(t, db)
			_, err := db.Script(l.list[i], "CREATE TABLE who (id INTEGER PRIMARY KEY, me INTEGER)")
			must(t, err)
			values := make([][]any, rows)
			for n := range values {
				values[n] = []any{n, i}
			}
			_, err = db.ExecRows(l.list[i], b.place("INSERT INTO who VALUES (?, ?)"), values)
			must(t, err)
		}
		stmt, err := l.pool.PrepareContext(l.list[0], b.place("SELECT me FROM who WHERE id >= ?"))
		must(t, err)
		l.stmt = stmt
		t.Cleanup(func() { _ = stmt.Close() })
		var group sync.WaitGroup
		for worker := range 16 {
			group.Go(func() {
				for round := range scaled(200) {
					l.once(worker+round, round)
				}
			})
		}
		group.Wait()
		idleSoon(t, db)
		for i, ctx := range l.list {
			var others int
			must(t, db.QueryRow(ctx, b.place("SELECT COUNT(*) FROM who WHERE me <> ?"), i).Scan(&others))
			if others != 0 {
				t.Errorf("tenant %d has %d rows of others", i, others)
			}
		}
		if l.read.Load() == 0 {
			t.Error("no row was read")
		}
	})
}

// leaks reads and writes tenants by all ways at once; each row says whose it is.
type leaks struct {
	t    *testing.T
	b    backend
	db   *mtdb.DB
	pool *sql.DB
	stmt *sql.Stmt
	list []context.Context
	read atomic.Int64
}

func (l *leaks) expect(me, tenant int) {
	l.read.Add(1)
	if me != tenant {
		l.t.Errorf("tenant %d reads a row of tenant %d", tenant, me)
	}
}

func (l *leaks) once(way, round int) {
	k := way * 7 % len(l.list)
	ctx, cancel := context.WithTimeout(l.list[k], time.Duration(1+round%40)*time.Millisecond)
	defer cancel()
	update := l.b.place("UPDATE who SET me = ? WHERE id = ?")
	switch way % 4 {
	case 0:
		rows, err := l.stmt.QueryContext(ctx, round%400)
		if err != nil {
			return
		}
		defer rows.Close()
		for rows.Next() {
			var me int
			if rows.Scan(&me) == nil {
				l.expect(me, k)
			}
		}
	case 1:
		_ = l.db.RunTx(ctx, func(tx *mtdb.Tx) error {
			_, _ = tx.Exec(ctx, update, k, round)
			var me int
			if tx.QueryRow(ctx, "SELECT me FROM who").Scan(&me) == nil {
				l.expect(me, k)
			}
			return context.Canceled
		})
	case 2:
		l.moved(ctx, k, round)
	default:
		_, _ = l.db.Exec(ctx, update, k, round)
	}
}

// moved uses one lease in two tenants, and sometimes forgets it.
func (l *leaks) moved(ctx context.Context, k, round int) {
	conn, err := l.db.Acquire(ctx)
	if err != nil {
		return
	}
	var me int
	if conn.QueryRow(ctx, "SELECT me FROM who").Scan(&me) == nil {
		l.expect(me, k)
	}
	next := (k + 1) % len(l.list)
	tenant, _ := mtdb.TenantFrom(l.list[next])
	if conn.Use(context.Background(), tenant) == nil &&
		conn.QueryRow(l.list[next], "SELECT me FROM who").Scan(&me) == nil {
		l.expect(me, next)
	}
	if round%20 == 19 {
		conn = nil
		runtime.GC()
		return
	}
	_ = conn.Close()
}

func TestAbandonedDBsGiveTheirFilesAndThreadsBack(t *testing.T) {
	count := func(kind string) int { list, _ := os.ReadDir("/proc/self/" + kind); return len(list) }
	path := folder(t)
	before := count("fd")
	for range 30 {
		db, err := mtdb.Open(path, mtdb.WithTenantCreate("on_first_use"))
		must(t, err)
		ctx, cancel := context.WithCancel(mtdb.WithTenant(context.Background(), "a"))
		rows, err := db.Query(ctx, wide["sqlite"])
		must(t, err)
		rows.Next()
		if count("fd") <= before {
			t.Fatal("a db without files")
		}
		cancel()
	}
	deadline := time.Now().Add(60 * time.Second)
	for count("fd") > before {
		if time.Now().After(deadline) {
			t.Fatalf("%d files, %d before", count("fd"), before)
		}
		runtime.GC()
		time.Sleep(10 * time.Millisecond)
	}
}

func TestAShutdownEndsWhatRunsInManyGoroutines(t *testing.T) {
	for range scaled(20) {
		db, err := mtdb.Open(folder(t), mtdb.WithTenantCreate("on_first_use"))
		must(t, err)
		var group sync.WaitGroup
		for worker := range 16 {
			group.Go(func() {
				ctx := mtdb.WithTenant(context.Background(), fmt.Sprint("a", worker%3))
				for err := error(nil); err == nil; {
					var rows *mtdb.Rows
					if rows, err = db.Query(ctx, wide["sqlite"]); err == nil {
						for i := 0; i < 100 && rows.Next(); i++ {
						}
						_ = rows.Close()
					} else if !errors.Is(err, sql.ErrConnDone) && !errors.Is(err, context.Canceled) {
						t.Error(err)
					}
				}
			})
		}
		time.Sleep(5 * time.Millisecond)
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
		_, err = db.Shutdown(ctx)
		cancel()
		must(t, err)
		group.Wait()
	}
}
