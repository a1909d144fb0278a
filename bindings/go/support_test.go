// SPDX-License-Identifier: MIT

package mtdb_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	mtdb "github.com/mtdb/mtdb/bindings/go"
)

// backend is a database that a test runs over.
type backend struct {
	name, url string
	options   []mtdb.Option
}

// place writes a placeholder the backend's own way.
func (b backend) place(sql string) string {
	if b.name != "postgres" {
		return sql
	}
	for i := 1; strings.Contains(sql, "?"); i++ {
		sql = strings.Replace(sql, "?", fmt.Sprintf("$%d", i), 1)
	}
	return sql
}

// onBackends runs a test over SQLite, and over the servers that the environment names.
func onBackends(t *testing.T, test func(t *testing.T, b backend)) {
	t.Run("sqlite", func(t *testing.T) { test(t, backend{name: "sqlite", url: folder(t)}) })
	for name, variable := range map[string]string{"postgres": "MTDB_TEST_POSTGRES", "mysql": "MTDB_TEST_MYSQL"} {
		url := os.Getenv(variable)
		if url == "" && os.Getenv("MTDB_TEST_SERVERS") != "" {
			t.Fatal("servers without ", variable)
		}
		if url != "" {
			t.Run(name, func(t *testing.T) { test(t, backend{name: name, url: url}) })
		}
	}
}

// scaled is a count times MTDB_SCALE, and a tenth of it with -short.
func scaled(count int) int {
	scale, err := strconv.ParseFloat(os.Getenv("MTDB_SCALE"), 64)
	if err != nil {
		scale = 1
	}
	if testing.Short() {
		scale /= 10
	}
	return max(1, int(float64(count)*scale))
}

func folder(t testing.TB) string {
	t.Helper()
	path, err := filepath.EvalSymlinks(t.TempDir())
	must(t, err)
	return path
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func open(t testing.TB, url string, options ...mtdb.Option) *mtdb.DB {
	t.Helper()
	db, err := mtdb.Open(url, options...)
	must(t, err)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

var tenants atomic.Int64

// newTenant makes a tenant that is dropped at the end of the test, and a context in it.
func newTenant(t testing.TB, db *mtdb.DB) (context.Context, string) {
	t.Helper()
	id := fmt.Sprintf("go_%d_%d", os.Getpid(), tenants.Add(1))
	must(t, db.CreateTenant(context.Background(), id))
	t.Cleanup(func() {
		if err := db.DropTenant(context.Background(), id); err != nil && !errors.Is(err, mtdb.CodeClosed) {
			t.Errorf("something of %s is still out: %v", id, err)
		}
	})
	return mtdb.WithTenant(context.Background(), id), id
}
