// SPDX-License-Identifier: MIT

package mtdb

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"net/url"
	"strings"
)

// DriverName is the name of this package's driver in database/sql.
const DriverName = "mtdb"

func init() { sql.Register(DriverName, sqlDriver{}) }

// sqlDriver opens a db per sql.Open. Its data source name is a url of [Open], whose parameters beginning with mtdb_ are
// options: "sqlite:tenants?mtdb_pool.size_max=4".
type sqlDriver struct{}

func (d sqlDriver) Open(name string) (driver.Conn, error) {
	return nil, errors.New("mtdb: a connection without a pool is not served: use sql.Open, or DB.Connector")
}

func (d sqlDriver) OpenConnector(name string) (driver.Connector, error) {
	plain, options := splitOptions(name)
	db, err := Open(plain, options...)
	if err != nil {
		return nil, err
	}
	return &Connector{db: db, owned: true}, nil
}

// splitOptions takes the options out of a data source name.
func splitOptions(name string) (plain string, options []Option) {
	plain, query, ok := strings.Cut(name, "?")
	if !ok {
		return name, nil
	}
	var rest []string
	for _, pair := range strings.Split(query, "&") {
		key, value, _ := strings.Cut(pair, "=")
		option, ours := strings.CutPrefix(key, "mtdb_")
		text, err := url.QueryUnescape(value)
		if !ours || err != nil {
			rest = append(rest, pair)
			continue
		}
		options = append(options, Set(option, text))
	}
	if len(rest) > 0 {
		plain += "?" + strings.Join(rest, "&")
	}
	return plain, options
}

// Connector connects database/sql to a [DB]. Its connections hold no lease between calls: each call takes one for the
// tenant of its context. So one *sql.DB serves all tenants, and its own pool limits need not be set.
type Connector struct {
	db    *DB
	owned bool
}

// Connector is for sql.OpenDB. Closing the *sql.DB leaves this db open.
func (db *DB) Connector() *Connector { return &Connector{db: db} }

// SQL is a *sql.DB for all tenants: the tenant of each call is its context's. Calls without a context, and contexts
// that name no tenant, fail with [ErrNoTenant]; but within a transaction they are in its tenant.
func (db *DB) SQL() *sql.DB { return sql.OpenDB(db.Connector()) }

// SQL is a *sql.DB whose statements all run on this lease, for code that knows database/sql only. It serves one
// goroutine at a time, as the lease does; closing it leaves the lease open.
func (c *Conn) SQL() *sql.DB { return sql.OpenDB(&leaseConnector{c}) }

type leaseConnector struct{ lease *Conn }

func (c *leaseConnector) Connect(context.Context) (driver.Conn, error) {
	return &sqlConn{db: c.lease.db, lease: c.lease, pinned: true}, nil
}

func (c *leaseConnector) Driver() driver.Driver { return sqlDriver{} }

// DB is the db behind the connector.
func (c *Connector) DB() *DB { return c.db }

// Connect makes a connection, which costs nothing.
func (c *Connector) Connect(context.Context) (driver.Conn, error) { return &sqlConn{db: c.db}, nil }

// Driver is the driver that sql.Open knows as "mtdb".
func (c *Connector) Driver() driver.Driver { return sqlDriver{} }

// Close closes the db when sql.Open has opened it.
func (c *Connector) Close() error {
	if c.owned {
		return c.db.Close()
	}
	return nil
}

// FromSQL is the db behind a *sql.DB of this package.
func FromSQL(pool *sql.DB) (db *DB, ok bool) {
	conn, err := pool.Conn(context.Background())
	if err != nil {
		return nil, false
	}
	defer conn.Close()
	err = conn.Raw(func(driver any) error {
		if ours, is := driver.(*sqlConn); is {
			db, ok = ours.db, true
		}
		return nil
	})
	return db, ok && err == nil
}

// LeaseOf is the lease of the transaction that a *sql.Conn of this package has begun, for what database/sql has no
// calls for: batches, blocks of rows, its state. It must be used within f only.
func LeaseOf(conn *sql.Conn, f func(*Conn) error) error {
	return conn.Raw(func(driver any) error {
		ours, is := driver.(*sqlConn)
		if !is || ours.lease == nil {
			return refused(CodeInvalidState, "08003", "the connection has no transaction of this package")
		}
		return f(ours.lease)
	})
}
