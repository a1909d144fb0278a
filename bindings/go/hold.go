// SPDX-License-Identifier: MIT

package mtdb

import (
	"context"
	"errors"
	"runtime"

	"github.com/mtdb/mtdb/bindings/go/internal/raw"
)

// HoldMode is what happens to others while a tenant is held.
type HoldMode int32

// The ways to hold a tenant; HoldCancel can be added to either.
const (
	HoldWait   = HoldMode(raw.MTDB_HOLD_WAIT)   // new leases wait, within their own deadlines
	HoldRefuse = HoldMode(raw.MTDB_HOLD_REFUSE) // new leases fail at once with ErrTenantHeld
	HoldCancel = HoldMode(1 << 8)               // running leases are ended at the context's deadline, not only waited for
)

// HoldTenant holds one tenant in this db: no new lease of it, and none out when this returns. It lasts until
// [DB.ResumeTenant]. Meanwhile the tenant can be dropped, renamed and copied.
func (db *DB) HoldTenant(ctx context.Context, tenant string, mode HoldMode) error {
	cancelRunning := int32(0)
	if mode&HoldCancel != 0 {
		cancelRunning = 1
	}
	_, err := waiting(ctx, func(timeout int64, cancel uintptr, err *uintptr) int32 {
		return raw.Mtdb_tenant_hold(db.handle, tenant, int32(mode&^HoldCancel), cancelRunning, timeout, cancel, err)
	})
	runtime.KeepAlive(db)
	return err
}

// ResumeTenant ends the hold of a tenant: those who wait are let in at once.
func (db *DB) ResumeTenant(tenant string) error {
	var err uintptr
	defer runtime.KeepAlive(db)
	return failure(raw.Mtdb_tenant_resume(db.handle, tenant, &err), err)
}

// WhileHeld holds a tenant, runs f, and resumes the tenant whatever happens.
func (db *DB) WhileHeld(ctx context.Context, tenant string, mode HoldMode, f func() error) (err error) {
	if err := db.HoldTenant(ctx, tenant, mode); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.ResumeTenant(tenant)) }()
	return f()
}
