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
	scanRows   = 100_000
	scanRounds = 9
	scanSQL    = "SELECT id, ratio, label FROM scan"
)

// scan reads 100,000 rows of an integer, a float and a text of 16 bytes, all into Go's own types.
func scan() {
	dir := folder()
	db := must1(mtdb.Open("sqlite:" + dir))
	defer db.Close()
	ctx := fill(db, "scan_sqlite", "INTEGER", "REAL", "?, ?, ?")
	file := filepath.Join(dir, "scan_sqlite.db")
	mattn := must1(sql.Open("sqlite3", "file:"+file+"?mode=ro"))
	modernc := must1(sql.Open("sqlite", "file:"+file+"?mode=ro"))
	figures := inTurns(scanRounds, scanSide(ctx, db.SQL()), scanDirect(ctx, db), scanSide(ctx, mattn),
		scanSide(ctx, modernc))
	report("go_scan", "database/sql, mattn", "ns a row", figures[0], figures[2], figures[2]/figures[0], ">=1.8")
	report("go_scan", "database/sql, modernc", "ns a row", figures[0], figures[3], figures[3]/figures[0], ">=1.0")
	report("go_scan", "direct, mattn", "ns a row", figures[1], figures[2], figures[2]/figures[1], ">=2.5")
	for _, s := range servers() {
		scanServer(s)
	}
}

func scanServer(s server) {
	db := must1(mtdb.Open(s.url, mtdb.WithTLSMode("disable"), mtdb.WithStatementCache(256)))
	defer db.Close()
	ctx := fill(db, "go_scan", "BIGINT", "DOUBLE PRECISION", s.values)
	defer func() { must(db.DropTenant(context.Background(), "go_scan")) }()
	peer := s.open("go_scan")
	defer peer.Close()
	figures := inTurns(scanRounds, scanSide(ctx, db.SQL()), scanDirect(ctx, db), scanSide(ctx, peer))
	report("go_scan", "database/sql, "+s.peer, "ns a row", figures[0], figures[2], figures[2]/figures[0], ">=1.0")
	report("go_scan", "direct, "+s.peer, "ns a row", figures[1], figures[2], figures[2]/figures[1], "")
}

func fill(db *mtdb.DB, tenant, integer, double, values string) context.Context {
	ctx := mtdb.WithTenant(context.Background(), tenant)
	_ = db.DropTenant(ctx, tenant)
	must(db.CreateTenant(ctx, tenant))
	_, err := db.Script(ctx, fmt.Sprintf("CREATE TABLE scan (id %s, ratio %s, label VARCHAR(16))", integer, double))
	must(err)
	rows := make([][]any, scanRows)
	for i := range rows {
		rows[i] = []any{i * 7919, float64(i) / 3, fmt.Sprintf("label %010d", i)}
	}
	must1(db.ExecRows(ctx, "INSERT INTO scan VALUES ("+values+")", rows))
	return ctx
}

func scanSide(ctx context.Context, pool *sql.DB) side {
	return func() float64 {
		return timed(scanRows, func() {
			rows := must1(pool.QueryContext(ctx, scanSQL))
			var id int64
			var ratio float64
			var label string
			count, bytes := 0, 0
			for rows.Next() {
				must(rows.Scan(&id, &ratio, &label))
				count++
				bytes += len(label)
			}
			must(rows.Err())
			checkScan(count, bytes)
		})
	}
}

func scanDirect(ctx context.Context, db *mtdb.DB) side {
	return func() float64 {
		return timed(scanRows, func() {
			rows := must1(db.Query(ctx, scanSQL))
			var id int64
			var ratio float64
			var label string
			count, bytes := 0, 0
			for rows.Next() {
				must(rows.Scan(&id, &ratio, &label))
				count++
				bytes += len(label)
			}
			must(rows.Err())
			checkScan(count, bytes)
		})
	}
}

func checkScan(count, bytes int) {
	if count != scanRows || bytes != 16*scanRows {
		must(fmt.Errorf("%d rows, %d bytes", count, bytes))
	}
}
