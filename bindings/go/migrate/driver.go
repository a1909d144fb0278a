// SPDX-License-Identifier: MIT

// Package migrate is a database driver for golang-migrate over mtdb. Import it for its schemes:
//
//	import _ "github.com/mtdb/mtdb/bindings/go/migrate"
//	m, err := migrate.New("file://migrations", "mtdb+sqlite3:///var/lib/app/acme.db")
//
// The schemes are golang-migrate's own with "mtdb+" in front, and so are the keys of the url, the version table and the
// locks: both drivers may work on one database. Stricter than golang-migrate's: SQLite is locked between processes, a
// failed text leaves nothing where the database can undo it, and a version that cannot be read is an error, not -1.
package migrate

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/golang-migrate/migrate/v4/database"

	mtdb "github.com/mtdb/mtdb/bindings/go"
)

// Schemes are those that the driver is registered under.
var Schemes = []string{"mtdb+sqlite", "mtdb+sqlite3", "mtdb+postgres", "mtdb+postgresql", "mtdb+pgx", "mtdb+pgx4",
	"mtdb+pgx5", "mtdb+mysql", "mtdb+mariadb", "mtdb+echo"}

func init() {
	for _, scheme := range Schemes {
		database.Register(scheme, &Driver{})
	}
}

// lockTimeout is how long Lock asks for a lock that another one holds: golang-migrate's own limit, before which it must
// have ended, because golang-migrate leaves a waiting Lock behind.
const lockTimeout = 14 * time.Second

// Driver is one of golang-migrate's database drivers. It serves one goroutine at a time.
type Driver struct {
	driver *mtdb.Driver
	close  func() error
}

var _ database.Driver = (*Driver)(nil)

// Open opens a driver by url.
func (*Driver) Open(url string) (database.Driver, error) {
	driver, err := mtdb.OpenDriver(context.Background(), url)
	if err != nil {
		return nil, err
	}
	return &Driver{driver, driver.Close}, nil
}

// WithConn makes a driver of a lease, which stays the program's: Close does not close it. Options are of scope
// "driver".
func WithConn(ctx context.Context, conn *mtdb.Conn, options ...mtdb.Option) (database.Driver, error) {
	driver, err := conn.Driver(ctx, options...)
	if err != nil {
		return nil, err
	}
	return &Driver{driver, driver.Close}, nil
}

// WithTenant makes a driver of the context's tenant, with a lease of its own that Close gives back.
func WithTenant(ctx context.Context, db *mtdb.DB, options ...mtdb.Option) (database.Driver, error) {
	conn, err := db.Acquire(ctx)
	if err != nil {
		return nil, err
	}
	driver, err := conn.Driver(ctx, options...)
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return &Driver{driver, func() error { return errors.Join(driver.Close(), conn.Close()) }}, nil
}

// Close gives back the lock if it is held, and what the driver opened itself.
func (d *Driver) Close() error {
	if d.close == nil {
		return nil
	}
	return d.close()
}

// Lock keeps all other migrators of this version table out. While another one holds the lock, it asks for 14 seconds.
func (d *Driver) Lock() error {
	ctx, cancel := context.WithTimeout(context.Background(), lockTimeout)
	defer cancel()
	err := d.driver.Lock(ctx)
	if errors.Is(err, mtdb.CodeMigrationLocked) || errors.Is(err, context.DeadlineExceeded) {
		return database.ErrLocked
	}
	return err
}

// Unlock gives the lock back.
func (d *Driver) Unlock() error {
	err := d.driver.Unlock()
	if errors.Is(err, mtdb.CodeInvalidState) {
		return database.ErrNotLocked
	}
	return err
}

// Run runs a migration's text. A failure of the text is a database.Error with its line.
func (d *Driver) Run(migration io.Reader) error {
	text, err := io.ReadAll(migration)
	if err != nil {
		return err
	}
	err = d.driver.Run(context.Background(), string(text))
	var failed *mtdb.Error
	if errors.As(err, &failed) && failed.Code == mtdb.CodeMigrationFailed {
		return database.Error{Line: uint(max(failed.Line, 0)), Query: text, Err: failed.Message, OrigErr: err}
	}
	return err
}

// SetVersion writes the version: -1 is none.
func (d *Driver) SetVersion(version int, dirty bool) error {
	return d.driver.SetVersion(context.Background(), int64(version), dirty)
}

// Version reads the version: -1 is none.
func (d *Driver) Version() (version int, dirty bool, err error) {
	number, dirty, err := d.driver.Version(context.Background())
	return int(number), dirty, err
}

// Drop drops everything in the database or schema. The driver stays usable.
func (d *Driver) Drop() error { return d.driver.Drop(context.Background()) }
