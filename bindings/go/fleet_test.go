// SPDX-License-Identifier: MIT

package mtdb_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	mtdb "github.com/mtdb/mtdb/bindings/go"
)

// fleetOf makes tenants with a table of so many rows each, of which none is another's.
func fleetOf(t *testing.T, db *mtdb.DB, tenants, rows int) []string {
	t.Helper()
	list := make([]string, tenants)
	for i := range list {
		ctx, id := newTenant(t, db)
		_, err := db.Script(ctx, "CREATE TABLE note (id INTEGER PRIMARY KEY, text VARCHAR(80))")
		must(t, err)
		values := make([][]any, rows)
		for n := range values {
			values[n] = []any{n, fmt.Sprint(id, " note ", n)}
		}
		insert := map[string]string{"postgres": "INSERT INTO note VALUES ($1, $2)"}[db.Engine()]
		if insert == "" {
			insert = "INSERT INTO note VALUES (?, ?)"
		}
		_, err = db.ExecRows(ctx, insert, values)
		must(t, err)
		list[i] = id
	}
	return list
}

func queryOf(t *testing.T, db *mtdb.DB, tenants []string, sql string, options ...mtdb.Option) *mtdb.Fleet {
	t.Helper()
	f, err := db.Fleet(nil, append(options, mtdb.WithFleetVerb("sql"), mtdb.WithFleetSQL(sql),
		mtdb.WithFleetLedger("off"))...)
	must(t, err)
	must(t, f.Add(tenants...))
	return f
}

func TestRowsOfAFleetCarryTheirTenant(t *testing.T) {
	onBackends(t, func(t *testing.T, b backend) {
		const tenants, count = 8, 3000
		db := open(t, b.url)
		list := fleetOf(t, db, tenants, count)
		f := queryOf(t, db, list, "SELECT id, text FROM note ORDER BY id")
		rows, err := f.Query(context.Background())
		must(t, err)
		if !slices.Equal(rows.Columns(), []string{"tenant", "id", "text"}) {
			t.Error(rows.Columns())
		}
		next := make(map[string]int64)
		for row, err := range rows.All() {
			must(t, err)
			tenant := row.Text(0)
			if want := fmt.Sprint(tenant, " note ", next[tenant]); row.Int64(1) != next[tenant] || row.Text(2) != want {
				t.Fatalf("tenant %s: %d %q, not %q", tenant, row.Int64(1), row.Text(2), want)
			}
			next[tenant]++
		}
		for _, tenant := range list {
			if next[tenant] != count {
				t.Errorf("%s gave %d rows", tenant, next[tenant])
			}
		}
		if progress, err := f.Progress(); err != nil || progress.State != "done" || progress.Done != tenants {
			t.Error(progress, err)
		}
	})
}

func TestAReaderThatStopsStopsTheFleet(t *testing.T) {
	onBackends(t, func(t *testing.T, b backend) {
		db := open(t, b.url)
		list := fleetOf(t, db, 6, 10)
		f := queryOf(t, db, list, wide[b.name], mtdb.WithFleetWorkers(2))
		rows, err := f.Query(context.Background())
		must(t, err)
		if !rows.Next() {
			t.Fatal(rows.Err())
		}
		must(t, rows.Close())
		progress, err := f.Progress()
		if err != nil || progress.State != "stopped" || progress.Left == 0 {
			t.Error(progress, err)
		}
		idle(t, db) // What had begun is done: no lease is out.
	})
}

// wide is more rows than the library has on their way, in each database's own words.
var wide = map[string]string{
	"sqlite": "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 300000) " +
		"SELECT n, 'a text of some length to fill the blocks with' FROM c",
	"postgres": "SELECT n, 'a text of some length to fill the blocks with' FROM generate_series(1, 300000) AS c(n)",
	"mysql":    "SELECT seq, 'a text of some length to fill the blocks with' FROM seq_1_to_300000",
}

func idle(t *testing.T, db *mtdb.DB) {
	t.Helper()
	if figures, err := db.Stats(); err != nil || figures["leases.now"].Value != 0 {
		t.Errorf("leases out: %v, %v", figures["leases.now"], err)
	}
}

// idleSoon is idle once the collector and the maintenance have done their part.
func idleSoon(t *testing.T, db *mtdb.DB) {
	t.Helper()
	deadline := time.Now().Add(60 * time.Second)
	for figures, err := db.Stats(); figures["leases.now"].Value != 0 || err != nil; figures, err = db.Stats() {
		if time.Now().After(deadline) {
			t.Fatal(figures["leases.now"], err)
		}
		runtime.GC()
		time.Sleep(10 * time.Millisecond)
	}
}

func TestAContextsEndStopsTheFleetThatIsRead(t *testing.T) {
	db := open(t, folder(t))
	list := fleetOf(t, db, 6, 10)
	f := queryOf(t, db, list, wide["sqlite"], mtdb.WithFleetWorkers(2))
	ctx, cancel := context.WithCancel(context.Background())
	rows, err := f.Query(ctx)
	must(t, err)
	cancel()
	for rows.Next() {
	}
	if !errors.Is(rows.Err(), context.Canceled) {
		t.Errorf("ended with %v", rows.Err())
	}
	must(t, rows.Close())
	idle(t, db)
}

func TestRowsOfAFleetThatAreAbandonedStopIt(t *testing.T) {
	db := open(t, folder(t))
	list := fleetOf(t, db, 6, 10)
	for range 5 {
		func() {
			rows, err := queryOf(t, db, list, wide["sqlite"]).Query(context.Background())
			must(t, err)
			rows.Next()
		}()
	}
	idleSoon(t, db)
}

func TestATenantThatFailsIsToldApartFromTheRows(t *testing.T) {
	db := open(t, folder(t))
	list := fleetOf(t, db, 5, 4)
	_, err := db.Exec(mtdb.WithTenant(context.Background(), list[2]), "DROP TABLE note")
	must(t, err)
	f := queryOf(t, db, list, "SELECT id FROM note", mtdb.WithFleetOnFailure("continue"))
	rows, err := f.Query(context.Background())
	read, err := mtdb.Collect(rows, err, func(r *mtdb.Rows) (string, error) { return r.Text(0), nil })
	if err != nil || len(read) != 16 || slices.Contains(read, list[2]) {
		t.Error(read, err)
	}
	results, err := f.Results()
	if err != nil || !errors.Is(results[2].Err, mtdb.CodeSQL) || results[3].Err != nil {
		t.Error(results, err)
	}
	if _, err := queryOf(t, db, list, "DELETE FROM note").Query(context.Background()); !errors.Is(err, mtdb.CodeReadOnly) {
		t.Errorf("a query that writes: %v", err)
	}
	if _, err := f.Query(mtdb.WithTenant(context.Background(), "x")); !errors.Is(err, mtdb.CodeInvalidState) {
		t.Errorf("again: %v", err)
	}
}

func TestAFleetGoesInWavesByList(t *testing.T) {
	db := open(t, folder(t))
	list := make([]string, 6)
	for i := range list {
		_, list[i] = newTenant(t, db)
	}
	m, err := db.Migrator()
	must(t, err)
	must(t, m.Add(scripts()...))
	f, err := db.Fleet(m)
	must(t, err)
	must(t, f.AddWave(list[4], list[2]))
	must(t, f.AddWave(list[5]))
	must(t, f.Add(list[0], list[1], list[3]))
	if err := f.AddWave(); !errors.Is(err, mtdb.ErrInvalid) {
		t.Errorf("a wave of none: %v", err)
	}
	if err := f.AddWave("../x"); !errors.Is(err, mtdb.ErrInvalid) {
		t.Errorf("a tenant that is none: %v", err)
	}
	_, err = f.Run(context.Background())
	must(t, err)
	results, err := f.Results()
	must(t, err)
	waves := make(map[string]int64)
	for _, result := range results {
		waves[result.Tenant] = result.Wave
	}
	want := map[string]int64{list[4]: 1, list[2]: 1, list[5]: 2, list[0]: 3, list[1]: 3, list[3]: 3}
	if fmt.Sprint(waves) != fmt.Sprint(want) {
		t.Errorf("waves %v, not %v", waves, want)
	}
	if err := f.AddWave(list[0]); !errors.Is(err, mtdb.CodeInvalidState) {
		t.Errorf("after the run: %v", err)
	}
}

func TestSharedTablesAreMadeBeforeTheTenants(t *testing.T) {
	onBackends(t, func(t *testing.T, b backend) {
		shared := strings.ReplaceAll("go_shared_"+b.name, ".", "_")
		owner := open(t, b.url)
		db := open(t, b.url, mtdb.WithTenantShared(shared))
		list := make([]string, 3)
		for i := range list {
			_, list[i] = newTenant(t, owner)
		}
		t.Cleanup(func() { _ = owner.DropTenant(context.Background(), shared) })
		common, err := db.Migrator()
		must(t, err)
		must(t, common.Add(mtdb.Script{Version: "1", Description: "plans",
			Up: "CREATE TABLE plan (name VARCHAR(20)); INSERT INTO plan VALUES ('free')"}))
		m, err := db.Migrator()
		must(t, err)
		must(t, m.Add(mtdb.Script{Version: "1", Description: "own",
			Up: "CREATE TABLE own (name VARCHAR(20)); INSERT INTO own SELECT name FROM " + shared + ".plan"}))
		f, err := db.Fleet(m, mtdb.WithFleetLedger("off"))
		must(t, err)
		must(t, f.Share(common))
		must(t, f.Add(list...))
		failed, err := f.Run(context.Background())
		if failed != 0 || err != nil {
			t.Fatal(failed, err)
		}
		for _, tenant := range list {
			var name string
			must(t, db.QueryRow(mtdb.WithTenant(context.Background(), tenant), "SELECT name FROM own").Scan(&name))
			if name != "free" {
				t.Errorf("%s has %q", tenant, name)
			}
		}
	})
}

func TestALeaseIsResetToItsFirstTenant(t *testing.T) {
	onBackends(t, func(t *testing.T, b backend) {
		db := open(t, b.url)
		list := fleetOf(t, db, 2, 1)
		must(t, db.With(mtdb.WithTenant(context.Background(), list[0]), func(conn *mtdb.Conn) error {
			must(t, conn.Use(context.Background(), list[1]))
			must(t, conn.Reset(context.Background()))
			var text string
			must(t, conn.QueryRow(context.Background(), "SELECT text FROM note").Scan(&text))
			if !strings.HasPrefix(text, list[0]+" ") || conn.Tenant() != list[0] {
				t.Errorf("%s reads %q", conn.Tenant(), text)
			}
			return nil
		}))
	})
}
