// SPDX-License-Identifier: MIT

package mtdb

import (
	"context"
	"runtime"

	"github.com/mtdb/mtdb/bindings/go/internal/raw"
)

// Driver is the contract of golang-migrate's database drivers, for programs that bring their own migration engine. It
// serves one goroutine at a time, but not always the same one. What is written is golang-migrate's own table, and its
// locks are its own too: docs/driver.md.
type Driver struct {
	guard
	conn    *Conn
	handle  uintptr
	cleanup runtime.Cleanup
}

// OpenDriver opens a driver by url: the scheme picks it, with or without "mtdb+" in front, and its x- keys set its
// options. Options are of scope "driver" or "db".
func OpenDriver(ctx context.Context, url string, options ...Option) (*Driver, error) {
	if err := library(); err != nil {
		return nil, err
	}
	d := &Driver{}
	return d.opened(withOptions(options, func(handle uintptr) error {
		var out uintptr
		_, err := waiting(ctx, func(timeout int64, cancel uintptr, err *uintptr) int32 {
			return raw.Mtdb_driver_open(url, handle, timeout, cancel, &out, err)
		})
		d.handle = out
		return err
	}))
}

// Driver makes a driver of the lease, which stays the program's: the driver never closes it.
func (c *Conn) Driver(ctx context.Context, options ...Option) (*Driver, error) {
	d := &Driver{conn: c}
	return d.opened(withOptions(options, func(handle uintptr) error {
		var out uintptr
		err := c.call(ctx, func(timeout int64, cancel uintptr, err *uintptr) int32 {
			return raw.Mtdb_driver_from_conn(c.handle, handle, timeout, cancel, &out, err)
		})
		d.handle = out
		return err
	}))
}

func (d *Driver) opened(err error) (*Driver, error) {
	if err != nil {
		return nil, err
	}
	d.cleanup = runtime.AddCleanup(d, raw.Mtdb_driver_release, d.handle)
	return d, nil
}

func (d *Driver) call(ctx context.Context, call func(timeoutMS int64, cancel uintptr, err *uintptr) int32) error {
	if err := d.enter(); err != nil {
		return err
	}
	defer d.leave()
	if d.handle == 0 {
		return errClosed("driver")
	}
	if d.conn != nil {
		if err := d.conn.open(); err != nil {
			return err
		}
		defer d.conn.leave()
	}
	_, err := waiting(ctx, call)
	return err
}

// Lock keeps all other migrators of this version table out; it asks until the context's deadline.
func (d *Driver) Lock(ctx context.Context) error {
	return d.call(ctx, func(timeout int64, cancel uintptr, err *uintptr) int32 {
		return raw.Mtdb_driver_lock(d.handle, timeout, cancel, err)
	})
}

// Unlock gives the lock back. After a failure too the driver does not hold it.
func (d *Driver) Unlock() error {
	return d.call(context.Background(), func(_ int64, _ uintptr, err *uintptr) int32 {
		return raw.Mtdb_driver_unlock(d.handle, err)
	})
}

// Run runs a migration's text; no transaction stays open, whatever happens.
func (d *Driver) Run(ctx context.Context, text string) error {
	return d.call(ctx, func(timeout int64, cancel uintptr, err *uintptr) int32 {
		return raw.Mtdb_driver_run(d.handle, text, timeout, cancel, err)
	})
}

// SetVersion writes the version: -1 is none.
func (d *Driver) SetVersion(ctx context.Context, version int64, dirty bool) error {
	flag := int32(0)
	if dirty {
		flag = 1
	}
	return d.call(ctx, func(timeout int64, cancel uintptr, err *uintptr) int32 {
		return raw.Mtdb_driver_set_version(d.handle, version, flag, timeout, cancel, err)
	})
}

// Version reads the version: -1 is none.
func (d *Driver) Version(ctx context.Context) (version int64, dirty bool, err error) {
	var flag int32
	err = d.call(ctx, func(timeout int64, cancel uintptr, err *uintptr) int32 {
		return raw.Mtdb_driver_version(d.handle, timeout, cancel, &version, &flag, err)
	})
	return version, flag != 0, err
}

// Drop drops everything in the database or schema, the version table with it. The driver stays usable.
func (d *Driver) Drop(ctx context.Context) error {
	return d.call(ctx, func(timeout int64, cancel uintptr, err *uintptr) int32 {
		return raw.Mtdb_driver_drop(d.handle, timeout, cancel, err)
	})
}

// Close gives back the lock if it is held, and what the driver opened itself. Idempotent.
func (d *Driver) Close() error {
	if err := d.enter(); err != nil {
		return err
	}
	defer d.leave()
	if d.handle == 0 {
		return nil
	}
	d.cleanup.Stop()
	var err uintptr
	failed := failure(raw.Mtdb_driver_close(d.handle, &err), err)
	raw.Mtdb_driver_release(d.handle)
	d.handle = 0
	return failed
}
