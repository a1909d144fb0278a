// SPDX-License-Identifier: MIT

package migrate_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	migrate "github.com/golang-migrate/migrate/v4"
	"github.com/golang-migrate/migrate/v4/database"
	suite "github.com/golang-migrate/migrate/v4/database/testing"
	"github.com/golang-migrate/migrate/v4/source/iofs"

	mtdb "github.com/mtdb/mtdb/bindings/go"
	ours "github.com/mtdb/mtdb/bindings/go/migrate"
)

const table = "CREATE TABLE suite (id INTEGER)"

// place is an empty database, or a tenant.
type place struct {
	name, url string // of an own driver
	db        *mtdb.DB
	ctx       context.Context
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// server is a server's address; where there are servers it must be there.
func server(t *testing.T, variable string) string {
	address := os.Getenv(variable)
	if address == "" && os.Getenv("MTDB_TEST_SERVERS") != "" {
		t.Fatal("servers without ", variable)
	}
	return address
}

// onPlaces runs a test over a file of SQLite, and over the servers that the environment names.
func onPlaces(t *testing.T, test func(t *testing.T, p place)) {
	folder, err := filepath.EvalSymlinks(t.TempDir())
	must(t, err)
	t.Run("sqlite", func(t *testing.T) {
		p := newPlace(t, folder)
		p.url = "mtdb+sqlite3://" + folder + "/" + tenantOf(p) + ".db"
		test(t, p)
	})
	if address := server(t, "MTDB_TEST_POSTGRES_TCP"); address != "" {
		t.Run("postgres", func(t *testing.T) {
			p := newPlace(t, address)
			p.url = "mtdb+" + address + "?search_path=" + tenantOf(p)
			test(t, p)
		})
	}
	if address := server(t, "MTDB_TEST_MYSQL_TCP"); address != "" {
		t.Run("mysql", func(t *testing.T) {
			p := newPlace(t, address)
			p.url = "mtdb+" + address + tenantOf(p)
			test(t, p)
		})
	}
}

func tenantOf(p place) string { tenant, _ := mtdb.TenantFrom(p.ctx); return tenant }

var numbers = make(chan int, 1)

func init() { numbers <- 0 }

func newPlace(t *testing.T, url string) place {
	t.Helper()
	number := <-numbers + 1
	numbers <- number
	id := fmt.Sprintf("gomigrate_%d_%d", os.Getpid(), number)
	db, err := mtdb.Open(url)
	must(t, err)
	must(t, db.CreateTenant(context.Background(), id))
	t.Cleanup(func() {
		if err := db.DropTenant(context.Background(), id); err != nil {
			t.Errorf("something of %s is still out: %v", id, err)
		}
		_ = db.Close()
	})
	return place{db: db, ctx: mtdb.WithTenant(context.Background(), id)}
}

func (p place) open(t *testing.T) database.Driver {
	t.Helper()
	driver, err := database.Open(p.url)
	must(t, err)
	t.Cleanup(func() { _ = driver.Close() })
	return driver
}

func (p place) count(t *testing.T, table string) (n int, err error) {
	t.Helper()
	err = p.db.QueryRow(p.ctx, "SELECT COUNT(*) FROM "+table).Scan(&n)
	return n, err
}

func TestGolangMigratesOwnSuiteByURL(t *testing.T) {
	onPlaces(t, func(t *testing.T, p place) { suite.Test(t, p.open(t), []byte(table)) })
}

func TestGolangMigratesOwnSuiteOverALease(t *testing.T) {
	onPlaces(t, func(t *testing.T, p place) {
		driver, err := ours.WithTenant(p.ctx, p.db)
		must(t, err)
		defer driver.Close()
		suite.Test(t, driver, []byte(table))
	})
}

func TestGolangMigratesOwnEngine(t *testing.T) {
	onPlaces(t, func(t *testing.T, p place) {
		m := p.engine(t, map[string]string{"1_one.up.sql": table, "1_one.down.sql": "DROP TABLE suite",
			"2_two.up.sql": "INSERT INTO suite VALUES (1)", "2_two.down.sql": "DELETE FROM suite"})
		suite.TestMigrate(t, m)
	})
}

// engine is golang-migrate over a folder of scripts.
func (p place) engine(t *testing.T, scripts map[string]string) *migrate.Migrate {
	t.Helper()
	folder := t.TempDir()
	for name, text := range scripts {
		must(t, os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600))
	}
	source, err := iofs.New(os.DirFS(folder), ".")
	must(t, err)
	m, err := migrate.NewWithSourceInstance("iofs", source, p.url)
	must(t, err)
	t.Cleanup(func() { _, _ = m.Close() })
	return m
}

func TestRunAndDropChangeTheDatabase(t *testing.T) {
	onPlaces(t, func(t *testing.T, p place) {
		driver := p.open(t)
		must(t, driver.Run(strings.NewReader(table+";\nINSERT INTO suite VALUES (1);\nINSERT INTO suite VALUES (2)")))
		if n, err := p.count(t, "suite"); err != nil || n != 2 {
			t.Errorf("after run: %d rows, %v", n, err)
		}
		must(t, driver.SetVersion(7, true))
		if n, err := p.count(t, "schema_migrations WHERE version = 7"); err != nil || n != 1 {
			t.Errorf("the version table: %d rows, %v", n, err)
		}
		must(t, driver.Drop())
		if _, err := p.count(t, "suite"); !errors.Is(err, mtdb.CodeSQL) {
			t.Errorf("after drop: %v", err)
		}
		must(t, driver.SetVersion(1, false))
		if version, dirty, err := driver.Version(); version != 1 || dirty || err != nil {
			t.Error("after drop", version, dirty, err)
		}
	})
}

func TestASecondLockerIsKeptOut(t *testing.T) {
	onPlaces(t, func(t *testing.T, p place) {
		one, two := p.open(t), p.open(t)
		must(t, one.Lock())
		if err := one.Lock(); !errors.Is(err, database.ErrLocked) {
			t.Errorf("twice: %v", err)
		}
		got := make(chan error)
		go func() { got <- two.Lock() }()
		select {
		case err := <-got:
			t.Errorf("beside the first: %v", err)
		default:
		}
		must(t, one.Unlock())
		must(t, <-got)
		must(t, two.Unlock())
		if err := two.Unlock(); !errors.Is(err, database.ErrNotLocked) {
			t.Errorf("unlock without a lock: %v", err)
		}
	})
}

func TestAFailingScriptTellsItsLineAndLeavesNothing(t *testing.T) {
	onPlaces(t, func(t *testing.T, p place) {
		driver := p.open(t)
		err := driver.Run(strings.NewReader(table + ";\nINSERT INTO suite VALUES (1);\nINSERT INTO nowhere VALUES (2)"))
		var failed database.Error
		if !errors.As(err, &failed) || failed.Line != 3 || len(failed.Query) == 0 {
			t.Errorf("%#v", err)
		}
		n, err := p.count(t, "suite")
		if transactional := !strings.Contains(p.url, "mysql"); transactional && !errors.Is(err, mtdb.CodeSQL) {
			t.Errorf("%d rows stayed: %v", n, err)
		}
		must(t, driver.Lock()) // The session is not one that refuses the unlock.
		must(t, driver.Unlock())
	})
}

func TestEightMigratorsAtOnceMigrateOnce(t *testing.T) {
	onPlaces(t, func(t *testing.T, p place) {
		scripts := map[string]string{"1_one.up.sql": table, "2_two.up.sql": "INSERT INTO suite VALUES (1)"}
		var group sync.WaitGroup
		engines := make([]*migrate.Migrate, 8)
		for i := range engines {
			engines[i] = p.engine(t, scripts)
		}
		for _, m := range engines {
			group.Go(func() {
				if err := m.Up(); err != nil && !errors.Is(err, migrate.ErrNoChange) {
					t.Error(err)
				}
			})
		}
		group.Wait()
		if n, err := p.count(t, "suite"); err != nil || n != 1 {
			t.Errorf("%d rows, %v", n, err)
		}
		version, dirty, err := engines[0].Version()
		if version != 2 || dirty || err != nil {
			t.Error(version, dirty, err)
		}
	})
}

func TestAnUnreadableVersionIsAnError(t *testing.T) {
	onPlaces(t, func(t *testing.T, p place) {
		driver := p.open(t)
		_, err := p.db.Script(p.ctx, "DROP TABLE schema_migrations; CREATE TABLE schema_migrations (x INTEGER)")
		must(t, err)
		if version, _, err := driver.Version(); err == nil {
			t.Errorf("version %d of a table without one", version)
		}
	})
}
