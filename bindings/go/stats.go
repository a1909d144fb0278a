// SPDX-License-Identifier: MIT

package mtdb

import (
	"context"

	"github.com/mtdb/mtdb/bindings/go/internal/raw"
)

// Figure is one number about a db or a tenant.
type Figure struct {
	Unit  string // "count", "bytes", "us"
	Value int64
}

// Stats are the figures of the whole db by their names, such as "leases.now".
func (db *DB) Stats() (map[string]Figure, error) {
	rows, err := db.result(context.Background(), func(_ int64, _ uintptr, out, err *uintptr) int32 {
		return raw.Mtdb_db_stats(db.handle, out, err)
	})
	return figures(rows, err)
}

// TenantStats are the figures of one tenant since the db was opened; all 0 for an unused one.
func (db *DB) TenantStats(tenant string) (map[string]Figure, error) {
	rows, err := db.result(context.Background(), func(_ int64, _ uintptr, out, err *uintptr) int32 {
		return raw.Mtdb_tenant_stats(db.handle, tenant, out, err)
	})
	return figures(rows, err)
}

func figures(rows *Rows, err error) (map[string]Figure, error) {
	if err != nil {
		return nil, err
	}
	list := make(map[string]Figure)
	for row, err := range rows.All() {
		if err != nil {
			return nil, err
		}
		list[row.Text(0)] = Figure{row.Text(1), row.Int64(2)}
	}
	return list, nil
}

// Pool is an open pool: a tenant's, or with a name "server:N" a server's, which holds those of its tenants.
type Pool struct {
	Name                                                         string
	Open, Idle, Leased, Waiting, Writing, Files, Memory, IdleFor int64 // memory in bytes, IdleFor in milliseconds
	Connecting, Failures                                         int64
}

// Pools are the open pools.
func (db *DB) Pools() ([]Pool, error) {
	rows, err := db.result(context.Background(), func(_ int64, _ uintptr, out, err *uintptr) int32 {
		return raw.Mtdb_pool_stats(db.handle, out, err)
	})
	return Collect(rows, err, func(r *Rows) (Pool, error) {
		return Pool{r.Text(0), r.Int64(1), r.Int64(2), r.Int64(3), r.Int64(4), r.Int64(5), r.Int64(6), r.Int64(7),
			r.Int64(8), r.Int64(9), r.Int64(10)}, nil
	})
}
