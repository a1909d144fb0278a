// SPDX-License-Identifier: MIT

package mtdb

import (
	"context"
	"iter"
	"runtime"

	"github.com/mtdb/mtdb/bindings/go/internal/raw"
)

// CheckTenant checks an id by the rules of this db, without any I/O.
func (db *DB) CheckTenant(tenant string) error {
	var err uintptr
	defer runtime.KeepAlive(db)
	return failure(raw.Mtdb_tenant_check(db.handle, tenant, &err), err)
}

// CreateTenant creates a tenant: durable when it returns, never half-made.
func (db *DB) CreateTenant(ctx context.Context, tenant string) error {
	return db.call(WithTenant(ctx, tenant), func(timeout int64, cancel uintptr, err *uintptr) int32 {
		return raw.Mtdb_tenant_create(db.handle, tenant, timeout, cancel, err)
	})
}

// TenantExists tells whether a tenant exists.
func (db *DB) TenantExists(ctx context.Context, tenant string) (exists bool, failed error) {
	var found int32
	failed = db.call(WithTenant(ctx, tenant), func(_ int64, _ uintptr, err *uintptr) int32 {
		return raw.Mtdb_tenant_exists(db.handle, tenant, &found, err)
	})
	return found != 0, failed
}

// Tenants lists the tenants in no particular order, in constant memory. A failure is the loop's last pair.
func (db *DB) Tenants(ctx context.Context) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		rows, err := db.result(ctx, func(timeout int64, cancel uintptr, out, err *uintptr) int32 {
			return raw.Mtdb_tenant_list(db.handle, timeout, cancel, out, err)
		})
		if err != nil {
			yield("", err)
			return
		}
		for row, err := range rows.All() {
			if err != nil {
				yield("", err)
				return
			}
			if !yield(row.Text(0), nil) {
				return
			}
		}
	}
}

// CopyTenant copies a live tenant to a new one: a consistent snapshot, complete or absent.
func (db *DB) CopyTenant(ctx context.Context, source, target string) error {
	return db.call(WithTenant(ctx, source), func(timeout int64, cancel uintptr, err *uintptr) int32 {
		return raw.Mtdb_tenant_copy(db.handle, source, target, timeout, cancel, err)
	})
}

// RenameTenant gives a tenant another id; its data stay. Refused while any lease of either is out.
func (db *DB) RenameTenant(ctx context.Context, tenant, target string) error {
	return db.call(WithTenant(ctx, tenant), func(timeout int64, cancel uintptr, err *uintptr) int32 {
		return raw.Mtdb_tenant_rename(db.handle, tenant, target, timeout, cancel, err)
	})
}

// DropTenant drops a tenant with all its data. Refused while any lease of it is out.
func (db *DB) DropTenant(ctx context.Context, tenant string) error {
	return db.call(WithTenant(ctx, tenant), func(timeout int64, cancel uintptr, err *uintptr) int32 {
		return raw.Mtdb_tenant_drop(db.handle, tenant, timeout, cancel, err)
	})
}

// result makes a call that has a result.
func (db *DB) result(ctx context.Context, call func(timeoutMS int64, cancel uintptr, out, err *uintptr) int32) (*Rows,
	error) {
	return db.resultThat(ctx, endsNothing, call)
}

// resultThat makes a call whose result may be what work goes on for.
func (db *DB) resultThat(ctx context.Context, ends ending, call func(timeoutMS int64, cancel uintptr, out,
	err *uintptr) int32) (*Rows, error) {
	held, err := db.slot(ctx)
	if err != nil {
		return nil, err
	}
	defer db.done(held)
	for {
		timeout, failed := timeoutOf(ctx)
		if failed != nil {
			return nil, failed
		}
		rows := &Rows{}
		rows.ends = ends
		rows.watched = watch(ctx) // The result keeps the token: it is disarmed with the rows.
		var result, err uintptr
		status := call(timeout, rows.watched.handle(), &result, &err)
		if failed := failureIn(ctx, status, err); failed != nil {
			rows.drop()
			return nil, failed
		}
		if status != raw.MTDB_NEEDS {
			if failed := rows.adopt(ctx, result); failed != nil {
				return nil, failed
			}
			rows.guarded()
			return rows, nil
		}
		rows.drop()
		if failed := db.resolve(ctx); failed != nil {
			return nil, failed
		}
	}
}
