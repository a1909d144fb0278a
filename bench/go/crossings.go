// SPDX-License-Identifier: MIT

package main

import (
	"context"
	"runtime"

	mtdb "github.com/mtdb/mtdb/bindings/go"
)

// crossings counts calls from Go into C for 1,000 rows.
func crossings() {
	db := must1(mtdb.Open("sqlite:" + folder()))
	defer db.Close()
	ctx := fill(db, "crossings", "INTEGER", "REAL", "?, ?, ?")
	const query = scanSQL + " LIMIT 1000"
	count := func(f func()) float64 {
		before := runtime.NumCgoCall()
		f()
		return float64(runtime.NumCgoCall() - before)
	}
	direct := func() {
		rows := must1(db.Query(ctx, query))
		for rows.Next() {
		}
		must(rows.Err())
	}
	pool := db.SQL()
	standard := func() {
		rows := must1(pool.QueryContext(context.WithoutCancel(ctx), query))
		for rows.Next() {
		}
		must(rows.Err())
	}
	direct()
	standard()
	calls := count(direct)
	report("crossings", "direct", "calls for 1,000 rows", calls, 1000, calls, "<=4")
	calls = count(standard)
	report("crossings", "database/sql", "calls for 1,000 rows", calls, 1000, calls, "<=4")
}
