// SPDX-License-Identifier: MIT

package mtdb

import (
	"context"
	"runtime"
	"strings"
	"time"

	"github.com/mtdb/mtdb/bindings/go/internal/raw"
)

// DB serves all tenants. It may be used by all goroutines at once.
type DB struct {
	handle   uintptr
	engine   string
	resolver Resolver
	slots    slots
}

// A call that waits in the library takes a thread of the process. So many may wait for leases at once; others wait in
// Go, which costs no thread.
const waitersMax = 1000

type slots chan struct{}

// Open opens a db. No tenant is opened, nothing is created but what the options ask for.
//
// The url is where the tenants live: "sqlite:DIR" or a plain folder, "sqlite::memory:", "postgres://…", "mysql://…",
// "mariadb://…", or "echo:" for the echo backend.
func Open(url string, options ...Option) (*DB, error) { return OpenWithResolver(url, nil, options...) }

// OpenWithResolver opens a db whose tenants are where the resolver says. It sets option tenant.routes.
func OpenWithResolver(url string, resolver Resolver, options ...Option) (*DB, error) {
	if err := library(); err != nil {
		return nil, err
	}
	if resolver != nil {
		options = append(append([]Option{}, options...), WithTenantRoutes("resolver"))
	}
	db := &DB{engine: engineOf(url), resolver: resolver, slots: make(slots, waitersMax)}
	failed := withOptions(options, func(handle uintptr) error {
		var out, err uintptr // Outs are standalone: in a struct with Go pointers cgo refuses them.
		status := raw.Mtdb_db_open(url, handle, &out, &err)
		db.handle = out
		return failure(status, err)
	})
	if failed != nil {
		return nil, failed
	}
	runtime.AddCleanup(db, raw.Mtdb_db_release, db.handle)
	return db, nil
}

func engineOf(url string) string {
	scheme, _, ok := strings.Cut(url, ":")
	switch scheme = strings.ToLower(strings.TrimPrefix(scheme, "mtdb+")); {
	case !ok:
		return "sqlite"
	case strings.HasPrefix(scheme, "postgres"), strings.HasPrefix(scheme, "pgx"):
		return "postgres"
	case scheme == "mysql", scheme == "mariadb":
		return "mysql"
	case scheme == "echo":
		return "echo"
	}
	return "sqlite"
}

// Engine is "sqlite", "postgres", "mysql" or "echo".
func (db *DB) Engine() string { return db.engine }

// slot waits until this call may wait in the library. A resolver's own calls are let in: others wait for its answer.
func (db *DB) slot(ctx context.Context) (held slots, failed error) {
	select {
	case db.slots <- struct{}{}:
		return db.slots, nil
	default:
	}
	if ctx.Value(resolvingKey{}) != nil {
		return nil, nil
	}
	select {
	case db.slots <- struct{}{}:
		return db.slots, nil
	case <-ctx.Done():
		return nil, ended(ctx)
	}
}

// done gives back what slot gave.
func (db *DB) done(held slots) {
	if held != nil {
		<-held
	}
	runtime.KeepAlive(db)
}

// call makes one call that may wait for a tenant, and answers what the library needs meanwhile.
func (db *DB) call(ctx context.Context, call func(timeoutMS int64, cancel uintptr, err *uintptr) int32) error {
	held, err := db.slot(ctx)
	if err != nil {
		return err
	}
	defer db.done(held)
	for {
		status, failed := waiting(ctx, call)
		if failed != nil || status != raw.MTDB_NEEDS {
			return failed
		}
		if failed := db.resolve(ctx); failed != nil {
			return failed
		}
	}
}

// Close shuts the db down: new work is refused, running work may end within option shutdown_timeout_ms, what is left is
// interrupted. Idempotent.
func (db *DB) Close() error {
	_, err := db.Shutdown(context.Background())
	return err
}

// Shutdown is Close with the context's deadline; when the context is cancelled, running work is interrupted at once. It
// tells how many leases had to be interrupted.
func (db *DB) Shutdown(ctx context.Context) (forced int64, failed error) {
	timeout := int64(raw.MTDB_DEFAULT)
	if deadline, ok := ctx.Deadline(); ok {
		timeout = max(0, milliseconds(time.Until(deadline)))
	}
	watched := watch(ctx)
	defer watched.disarm()
	defer runtime.KeepAlive(db)
	var err uintptr
	failed = failureIn(ctx, raw.Mtdb_db_close(db.handle, timeout, watched.handle(), &forced, &err), err)
	return forced, failed
}

// Ping opens and reads the context's tenant; it never creates one.
func (db *DB) Ping(ctx context.Context) error {
	tenant, failed := tenantOf(ctx)
	if failed != nil {
		return failed
	}
	return db.call(ctx, func(timeout int64, cancel uintptr, err *uintptr) int32 {
		return raw.Mtdb_db_ping(db.handle, tenant, timeout, cancel, err)
	})
}

// Maintain does a share of the maintenance; needed only with [WithThreads]("none"). It tells whether more is due.
func (db *DB) Maintain(budget time.Duration) (more bool, failed error) {
	var err uintptr
	status := raw.Mtdb_db_maintain(db.handle, milliseconds(budget), &err)
	runtime.KeepAlive(db)
	return status == raw.MTDB_MORE, failure(status, err)
}

// Result is what a statement did.
type Result struct {
	affected, insertID int64
}

// RowsAffected counts the rows that the statement changed; the error is always nil.
func (r Result) RowsAffected() (int64, error) { return r.affected, nil }

// LastInsertId is the key that the statement generated, or 0; the error is always nil.
func (r Result) LastInsertId() (int64, error) { return r.insertID, nil }

// Exec runs one statement in the context's tenant. Rows that it returns are dropped.
func (db *DB) Exec(ctx context.Context, query string, args ...any) (Result, error) {
	tenant, err := tenantOf(ctx)
	if err != nil {
		return Result{}, err
	}
	if hasNames(args) {
		return onLease(ctx, db, func(c *Conn) (Result, error) { return c.Exec(ctx, query, args...) })
	}
	var room [paramsRoom]byte
	params, err := appendParams(room[:0], args)
	if err != nil {
		return Result{}, err
	}
	return db.execBlock(ctx, tenant, query, params)
}

func (db *DB) execBlock(ctx context.Context, tenant, query string, params []byte) (Result, error) {
	held, err := db.slot(ctx)
	if err != nil {
		return Result{}, err
	}
	defer db.done(held)
	who := raw.Who{DB: db.handle, Tenant: tenant}
	return execute(ctx, db, &who, query, params)
}

// execute runs a statement to its end, for whoever runs it.
func execute(ctx context.Context, db *DB, who *raw.Who, query string, params []byte) (Result, error) {
	for {
		timeout, err := timeoutOf(ctx)
		if err != nil {
			return Result{}, err
		}
		var out raw.Out
		watched := watch(ctx)
		status := raw.Exec(who, query, params, timeout, watched.handle(), &out)
		watched.disarm()
		if status != raw.MTDB_NEEDS {
			return Result{out.Affected(), out.InsertID()}, failureIn(ctx, status, out.Err())
		}
		if err := db.resolve(ctx); err != nil {
			return Result{}, err
		}
	}
}

// Query runs one statement in the context's tenant. The rows hold a lease until they are read to the end or closed; the
// context governs their reading too.
func (db *DB) Query(ctx context.Context, query string, args ...any) (*Rows, error) {
	tenant, err := tenantOf(ctx)
	if err != nil {
		return nil, err
	}
	if hasNames(args) {
		return db.queryNamed(ctx, query, args)
	}
	var room [paramsRoom]byte
	params, err := appendParams(room[:0], args)
	if err != nil {
		return nil, err
	}
	rows := &Rows{}
	if err := db.queryBlock(ctx, &rows.cursor, tenant, query, params); err != nil {
		return nil, err
	}
	rows.guarded()
	return rows, nil
}

func (db *DB) queryBlock(ctx context.Context, c *cursor, tenant, query string, params []byte) error {
	held, err := db.slot(ctx)
	if err != nil {
		return err
	}
	defer db.done(held)
	who := raw.Who{DB: db.handle, Tenant: tenant}
	return c.start(ctx, db, &who, query, params)
}

// QueryRow runs one statement in the context's tenant for its first row; what fails is told by [Row.Scan].
func (db *DB) QueryRow(ctx context.Context, query string, args ...any) *Row {
	rows, err := db.Query(ctx, query, args...)
	return &Row{rows, err}
}

// Script runs a text of several statements, without parameters, in the context's tenant. Each commits by itself. It
// tells how many ran, also when one failed.
func (db *DB) Script(ctx context.Context, text string) (statements int64, err error) {
	return onLease(ctx, db, func(c *Conn) (int64, error) { return c.Script(ctx, text) })
}

// onLease runs f on a lease of its own.
func onLease[T any](ctx context.Context, db *DB, f func(*Conn) (T, error)) (result T, err error) {
	conn, err := db.Acquire(ctx)
	if err != nil {
		return result, err
	}
	defer func() {
		if closing := conn.Close(); err == nil {
			err = closing
		}
	}()
	return f(conn)
}

// queryNamed reads the rows of a statement with named arguments: the lease is given back with them.
func (db *DB) queryNamed(ctx context.Context, query string, args []any) (*Rows, error) {
	conn, err := db.Acquire(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := conn.Query(ctx, query, args...)
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	rows.owned = conn
	return rows, nil
}
