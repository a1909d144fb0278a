// SPDX-License-Identifier: MIT

package main

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"

	mtdb "github.com/mtdb/mtdb/bindings/go"
)

const (
	pointTenants = 100
	pointReads   = 5_000
	pointRounds  = 9
)

// pointTables makes a table with 100 rows in each of n tenants, and gives a context for each.
func pointTables(db *mtdb.DB, n int, place string) []context.Context {
	list := make([]context.Context, n)
	for i := range list {
		tenant := fmt.Sprintf("go_point_%d", i)
		ctx := mtdb.WithTenant(context.Background(), tenant)
		_ = db.DropTenant(ctx, tenant)
		must(db.CreateTenant(ctx, tenant))
		_, err := db.Script(ctx, "CREATE TABLE point (id INTEGER PRIMARY KEY, label VARCHAR(16))")
		must(err)
		rows := make([][]any, 100)
		for row := range rows {
			rows[row] = []any{row, fmt.Sprintf("of tenant %d", i)}
		}
		must1(db.ExecRows(ctx, "INSERT INTO point VALUES ("+place+")", rows))
		list[i] = ctx
	}
	return list
}

// pointSide reads one row by its key, of one tenant after the other, with the SQL text each time.
func pointSide(query string, pool func(i int) *sql.DB, contexts []context.Context) side {
	return func() float64 {
		return timed(pointReads, func() {
			var label string
			for i := range pointReads {
				tenant := i % len(contexts)
				must(pool(tenant).QueryRowContext(contexts[tenant], query, i%100).Scan(&label))
				if len(label) < 11 {
					must(fmt.Errorf("label %q", label))
				}
			}
		})
	}
}

func point() {
	const query = "SELECT label FROM point WHERE id = ?"
	dir := folder()
	db := must1(mtdb.Open("sqlite:" + dir))
	defer db.Close()
	contexts := pointTables(db, pointTenants, "?, ?")
	ours := db.SQL()
	peers := make([]*sql.DB, pointTenants)
	for i := range peers {
		peers[i] = must1(sql.Open("sqlite3", "file:"+filepath.Join(dir, fmt.Sprintf("go_point_%d.db", i))))
		defer peers[i].Close()
	}
	figures := inTurns(pointRounds, pointSide(query, func(int) *sql.DB { return ours }, contexts),
		pointSide(query, func(i int) *sql.DB { return peers[i] }, contexts))
	report("go_point", "a *sql.DB of mattn per tenant", "ns a read", figures[0], figures[1], figures[0]/figures[1],
		"<=0.7")
	for _, s := range servers() {
		pointServer(s)
	}
}

func pointServer(s server) {
	query, insert := "SELECT label FROM point WHERE id = ?", "?, ?"
	if s.name == "postgres" {
		query, insert = "SELECT label FROM point WHERE id = $1", "$1, $2"
	}
	db := must1(mtdb.Open(s.url, mtdb.WithTLSMode("disable"), mtdb.WithStatementCache(256)))
	defer db.Close()
	contexts := pointTables(db, pointTenants, insert)
	defer func() {
		for i := range contexts {
			must(db.DropTenant(context.Background(), fmt.Sprintf("go_point_%d", i)))
		}
	}()
	ours, peer := db.SQL(), s.open("")
	defer peer.Close()
	sides := []side{pointSide(query, func(int) *sql.DB { return ours }, contexts), switchSide(s, peer, query)}
	if s.name == "postgres" { // One pool for all schemas, which are named in the text.
		sides = append(sides, qualifiedSide(peer))
	}
	figures := inTurns(pointRounds, sides...)
	report("go_point", "set, read, reset by hand over "+s.peer, "ns a read", figures[0], figures[1],
		figures[0]/figures[1], "<=0.35")
	if len(figures) > 2 {
		report("go_point", s.peer+" over qualified names", "ns a read", figures[0], figures[2], figures[0]/figures[2],
			"<=1.0")
	}
}

// switchSide is what a program does by hand to have one tenant on a shared connection.
func switchSide(s server, pool *sql.DB, query string) side {
	set, reset := "SET search_path TO \"go_point_%d\"", "SET search_path TO public"
	if s.name == "mysql" {
		set, reset = "USE `go_point_%d`", "USE information_schema"
	}
	ctx := context.Background()
	return func() float64 {
		return timed(pointReads, func() {
			for i := range pointReads {
				conn := must1(pool.Conn(ctx))
				must1(conn.ExecContext(ctx, fmt.Sprintf(set, i%pointTenants)))
				var label string
				must(conn.QueryRowContext(ctx, query, i%100).Scan(&label))
				must1(conn.ExecContext(ctx, reset))
				must(conn.Close())
			}
		})
	}
}

func qualifiedSide(pool *sql.DB) side {
	queries := make([]string, pointTenants)
	for i := range queries {
		queries[i] = fmt.Sprintf("SELECT label FROM go_point_%d.point WHERE id = $1", i)
	}
	return func() float64 {
		return timed(pointReads, func() {
			var label string
			for i := range pointReads {
				must(pool.QueryRow(queries[i%pointTenants], i%100).Scan(&label))
			}
		})
	}
}
