// SPDX-License-Identifier: MIT

// Package mtdb gives a program multi-tenant access to SQLite, PostgreSQL, MariaDB and MySQL.
//
// One [DB] serves all tenants; the tenant of a call travels in its context:
//
//	db, err := mtdb.Open("sqlite:tenants")
//	ctx := mtdb.WithTenant(context.Background(), "acme")
//	_, err = db.Exec(ctx, "INSERT INTO note (text) VALUES (?)", "hello")
//
// The same db is a database/sql driver: [DB.SQL] gives a *sql.DB for all tenants, and sql.Open("mtdb", url) opens one.
// A call whose context names no tenant fails with [ErrNoTenant]; nothing is ever run somewhere by default.
//
// Errors are *[Error]: a [Code], SQLSTATE, tenant, place, and whether the same call may succeed later. errors.Is takes
// the sentinels of this package, the codes themselves, context.Canceled, context.DeadlineExceeded and sql.ErrConnDone.
//
// Deadlines and cancels of a context end the wait for a connection, the statement and the reading of its rows, also on
// the server, and never touch a later statement. A context without a deadline takes the options
// [WithAcquireTimeout] and [WithQueryTimeout].
//
// A [DB], [Migrator], [Fleet] and [Quiesce] may be used by all goroutines at once; a [Conn], [Stmt], [Rows], [Tx] and
// [Driver] by one at a time, which is checked. What was not closed is given back when the garbage collector finds it,
// and an event "lease.abandoned" says so.
package mtdb
