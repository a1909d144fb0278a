// SPDX-License-Identifier: MIT

package mtdb

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
)

// sqlConn is a connection of database/sql: nothing but the way to the db, and the lease of a transaction while one is
// open.
type sqlConn struct {
	db     *DB
	lease  *Conn
	pinned bool // the lease is the program's: it stays
	broken bool // a lease could not be given back well
}

var (
	_ driver.Conn               = (*sqlConn)(nil)
	_ driver.ConnBeginTx        = (*sqlConn)(nil)
	_ driver.ConnPrepareContext = (*sqlConn)(nil)
	_ driver.ExecerContext      = (*sqlConn)(nil)
	_ driver.QueryerContext     = (*sqlConn)(nil)
	_ driver.Pinger             = (*sqlConn)(nil)
	_ driver.SessionResetter    = (*sqlConn)(nil)
	_ driver.Validator          = (*sqlConn)(nil)
	_ driver.NamedValueChecker  = (*sqlConn)(nil)
)

func (c *sqlConn) Prepare(query string) (driver.Stmt, error) {
	return c.PrepareContext(context.Background(), query)
}

// PrepareContext checks the statement in the context's tenant. The statement itself is bound to no tenant: each of its
// calls runs in that of its own context.
func (c *sqlConn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	prepare := func(lease *Conn) (int, error) {
		stmt, err := lease.Prepare(ctx, query)
		if err != nil {
			return 0, err
		}
		return stmt.Parameters(), stmt.Close()
	}
	var count int
	var err error
	if c.lease != nil {
		count, err = prepare(c.lease)
	} else {
		count, err = onLease(ctx, c.db, prepare)
	}
	if err != nil {
		return nil, err
	}
	return &sqlStmt{conn: c, query: query, count: count}, nil
}

func (c *sqlConn) Begin() (driver.Tx, error) {
	return c.BeginTx(context.Background(), driver.TxOptions{})
}

func (c *sqlConn) BeginTx(ctx context.Context, options driver.TxOptions) (driver.Tx, error) {
	if c.lease != nil && !c.pinned {
		return nil, refused(CodeInvalidState, "08003", "the connection has a transaction already")
	}
	given, err := txOptions(options)
	if err != nil {
		return nil, err
	}
	if c.pinned {
		tx, err := c.lease.Begin(ctx, given...)
		if err != nil {
			return nil, err
		}
		return &sqlTx{c, tx}, nil
	}
	tx, err := c.db.Begin(ctx, given...)
	if err != nil {
		return nil, err
	}
	c.lease = tx.conn
	return &sqlTx{c, tx}, nil
}

func txOptions(options driver.TxOptions) (given []Option, err error) {
	if options.ReadOnly {
		given = append(given, WithTxReadOnly(true))
	}
	switch level := sql.IsolationLevel(options.Isolation); level {
	case sql.LevelDefault:
	case sql.LevelReadCommitted:
		given = append(given, WithTxIsolation("read_committed"))
	case sql.LevelRepeatableRead:
		given = append(given, WithTxIsolation("repeatable_read"))
	case sql.LevelSerializable:
		given = append(given, WithTxIsolation("serializable"))
	default:
		return nil, refused(CodeUnsupported, "0A000", "isolation level %s", level)
	}
	return given, nil
}

// bound tells who runs a call: the transaction's lease, or the context's tenant.
func (c *sqlConn) bound(ctx context.Context) (tenant string, err error) {
	if c.lease != nil {
		return "", sameTenant(ctx, c.lease.tenant)
	}
	return tenantOf(ctx)
}

func (c *sqlConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	tenant, err := c.bound(ctx)
	if err != nil {
		return nil, err
	}
	if named(args) {
		return c.execNamed(ctx, query, args)
	}
	var room [paramsRoom]byte
	params, err := appendNamedValues(room[:0], args)
	if err != nil {
		return nil, err
	}
	if c.lease == nil {
		return c.db.execBlock(ctx, tenant, query, params)
	}
	if err := c.lease.open(); err != nil {
		return nil, err
	}
	defer c.lease.leave()
	return execute(ctx, c.db, c.lease.who(), query, params)
}

func (c *sqlConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	tenant, err := c.bound(ctx)
	if err != nil {
		return nil, err
	}
	if named(args) {
		return c.queryNamed(ctx, query, args)
	}
	var room [paramsRoom]byte
	params, err := appendNamedValues(room[:0], args)
	if err != nil {
		return nil, err
	}
	rows := &sqlRows{}
	if c.lease == nil {
		err = c.db.queryBlock(ctx, &rows.cursor, tenant, query, params)
	} else if err = c.lease.open(); err == nil {
		rows.guard = &c.lease.guard
		err = rows.start(ctx, c.db, c.lease.who(), query, params)
		c.lease.leave()
	}
	if err != nil {
		return nil, err
	}
	rows.ready()
	return rows, nil
}

// Named arguments are put where the statement has their names, which takes a lease to ask.
func (c *sqlConn) execNamed(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	run := func(lease *Conn) (Result, error) { return lease.Exec(ctx, query, arguments(args)...) }
	if c.lease != nil {
		return run(c.lease)
	}
	return onLease(ctx, c.db, run)
}

func (c *sqlConn) queryNamed(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	lease := c.lease
	if lease == nil {
		taken, err := c.db.Acquire(ctx)
		if err != nil {
			return nil, err
		}
		lease = taken
	}
	if err := lease.use(ctx); err != nil {
		return nil, err
	}
	rows := &sqlRows{}
	rows.guard = &lease.guard
	params, err := lease.params(ctx, nil, query, arguments(args))
	if err == nil {
		err = rows.start(ctx, c.db, lease.who(), query, params)
	}
	lease.leave()
	if c.lease == nil {
		rows.owned = lease
	}
	if err != nil {
		return nil, errors.Join(err, rows.giveBack())
	}
	rows.ready()
	return rows, nil
}

func (c *sqlConn) Ping(ctx context.Context) error {
	if c.lease != nil {
		ctx = WithTenant(ctx, c.lease.tenant)
	}
	return c.db.Ping(ctx)
}

// ResetSession runs before the connection's next use: a transaction that was left open is rolled back.
func (c *sqlConn) ResetSession(context.Context) error {
	if c.lease == nil || c.pinned {
		return nil
	}
	if c.Close() != nil || c.broken {
		return driver.ErrBadConn
	}
	return nil
}

// IsValid tells whether the connection may be used again; it asks nobody.
func (c *sqlConn) IsValid() bool { return !c.broken }

func (c *sqlConn) Close() error {
	if c.lease == nil || c.pinned {
		return nil
	}
	err := c.lease.Close()
	c.lease = nil
	return err
}

// CheckNamedValue takes every value that this package takes; others go database/sql's way, which knows their Valuers.
func (c *sqlConn) CheckNamedValue(value *driver.NamedValue) error { return checkNamedValue(value) }

func checkNamedValue(value *driver.NamedValue) error {
	switch value.Value.(type) {
	case int64, string, float64, bool, []byte, nil, Date, Timestamp, Decimal, JSON, Other, UUID, Interval, uint64:
		return nil
	}
	var tried cell
	if err := tried.set(value.Value); err != nil {
		return err
	}
	if valuer, ok := value.Value.(driver.Valuer); ok {
		plain, err := valueOf(valuer)
		value.Value = plain
		return err
	}
	return nil
}

func named(args []driver.NamedValue) bool {
	for i := range args {
		if args[i].Name != "" {
			return true
		}
	}
	return false
}

func arguments(args []driver.NamedValue) []any {
	list := make([]any, len(args))
	for i, arg := range args {
		if list[i] = arg.Value; arg.Name != "" {
			list[i] = sql.Named(arg.Name, arg.Value)
		}
	}
	return list
}

func appendNamedValues(buf []byte, args []driver.NamedValue) ([]byte, error) {
	if len(args) == 0 {
		return buf, nil
	}
	var few [8]cell
	cells := few[:0]
	for i := range args {
		cells = append(cells, cell{})
		if err := cells[i].set(args[i].Value); err != nil {
			return nil, err
		}
	}
	return appendRow(buf, cells), nil
}

// sqlTx ends a transaction and gives its lease back.
type sqlTx struct {
	conn *sqlConn
	tx   *Tx
}

func (t *sqlTx) Commit() error {
	err := t.tx.Commit(context.Background())
	if err != nil { // database/sql ends the transaction here, whatever the database says.
		err = errors.Join(err, t.tx.Rollback())
	}
	t.conn.forget()
	return err
}

func (t *sqlTx) Rollback() error {
	err := t.tx.Rollback()
	t.conn.forget()
	return err
}

func (c *sqlConn) forget() {
	if !c.pinned {
		c.lease = nil
	}
}

// sqlStmt is a statement's text; the library finds its compiled form by it.
type sqlStmt struct {
	conn  *sqlConn
	query string
	count int
}

func (s *sqlStmt) Close() error  { return nil }
func (s *sqlStmt) NumInput() int { return s.count }

func (s *sqlStmt) Exec(args []driver.Value) (driver.Result, error) {
	return s.ExecContext(context.Background(), positional(args))
}

func (s *sqlStmt) Query(args []driver.Value) (driver.Rows, error) {
	return s.QueryContext(context.Background(), positional(args))
}

func (s *sqlStmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	return s.conn.ExecContext(ctx, s.query, args)
}

func (s *sqlStmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	return s.conn.QueryContext(ctx, s.query, args)
}

func (s *sqlStmt) CheckNamedValue(value *driver.NamedValue) error { return checkNamedValue(value) }

func positional(args []driver.Value) []driver.NamedValue {
	list := make([]driver.NamedValue, len(args))
	for i, arg := range args {
		list[i] = driver.NamedValue{Ordinal: i + 1, Value: arg}
	}
	return list
}
