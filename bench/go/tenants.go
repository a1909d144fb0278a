// SPDX-License-Identifier: MIT

package main

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"

	mtdb "github.com/mtdb/mtdb/bindings/go"
)

const (
	manyFiles   = 1000
	manyReaders = 64
	manyReads   = 200 // of each reader
	manyRounds  = 5
)

// manyTenants reads single rows of 1,000 tenant files in 64 goroutines: one *sql.DB of ours against one of mattn per
// file, each with at most four connections a file.
func manyTenants() {
	const query = "SELECT label FROM point WHERE id = ?"
	dir := folder()
	db := must1(mtdb.Open("sqlite:"+dir, mtdb.WithPoolSizeMax(4), mtdb.WithPoolIdleMax(4)))
	contexts := pointTables(db, manyFiles, "?, ?")
	must(db.Close())
	ours, oursMemory := side(nil), 0.0
	peers, peerMemory := side(nil), 0.0
	peerMemory = grown(func() {
		pools := make([]*sql.DB, manyFiles)
		for i := range pools {
			pools[i] = must1(sql.Open("sqlite3", "file:"+filepath.Join(dir, fmt.Sprintf("go_point_%d.db", i))))
			pools[i].SetMaxOpenConns(4)
			pools[i].SetMaxIdleConns(4)
		}
		peers = manySide(query, func(i int) *sql.DB { return pools[i] }, contexts)
		peers()
	})
	oursMemory = grown(func() {
		db = must1(mtdb.Open("sqlite:"+dir, mtdb.WithPoolSizeMax(4), mtdb.WithPoolIdleMax(4)))
		pool := db.SQL()
		pool.SetMaxIdleConns(manyReaders)
		ours = manySide(query, func(int) *sql.DB { return pool }, contexts)
		ours()
	})
	figures := inTurns(manyRounds, ours, peers)
	report("go_tenants", "a map of *sql.DB of mattn", "ns a read", figures[0], figures[1], figures[1]/figures[0], ">=1.5")
	report("go_tenants", "memory, a map of *sql.DB of mattn", "KiB", oursMemory, peerMemory, oursMemory/peerMemory,
		"<=1.0")
	must(db.Close())
}

func manySide(query string, pool func(i int) *sql.DB, contexts []context.Context) side {
	return func() float64 {
		return timed(manyReaders*manyReads, func() {
			var group sync.WaitGroup
			for range manyReaders {
				group.Go(func() {
					var label string
					for range manyReads {
						i := rand.IntN(len(contexts))
						must(pool(i).QueryRowContext(contexts[i], query, i%100).Scan(&label))
					}
				})
			}
			group.Wait()
		})
	}
}

// grown is by how many KiB the process grows while f runs.
func grown(f func()) float64 {
	runtime.GC()
	before := resident()
	f()
	runtime.GC()
	return resident() - before
}

func resident() float64 {
	for _, line := range strings.Split(string(must1(os.ReadFile("/proc/self/status"))), "\n") {
		if text, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			return must1(strconv.ParseFloat(strings.Fields(text)[0], 64))
		}
	}
	return 0
}
