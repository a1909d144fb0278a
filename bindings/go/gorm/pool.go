// SPDX-License-Identifier: MIT

package gorm

import (
	"context"
	"database/sql"
	"sync/atomic"

	"github.com/jackc/pgx/v5"
	"gorm.io/gorm"

	mtdb "github.com/mtdb/mtdb/bindings/go"
)

type sharedKey struct{}

// pool gives gorm its connections: to the tenant of a call's context, or to the shared tables in one of [DB.Shared].
type pool struct {
	tenants, owner *sql.DB
	shared         string
	opening        atomic.Bool // gorm asks for the server's version while it opens
}

var (
	_ gorm.ConnPool         = (*pool)(nil)
	_ gorm.ConnPoolBeginner = (*pool)(nil)
	_ gorm.GetDBConnector   = (*pool)(nil)
)

func isShared(ctx context.Context) bool { return ctx.Value(sharedKey{}) != nil }

func (p *pool) route(ctx context.Context) (*sql.DB, context.Context) {
	_, named := mtdb.TenantFrom(ctx)
	if isShared(ctx) || (p.opening.Load() && !named) {
		return p.owner, mtdb.WithTenant(ctx, p.shared)
	}
	return p.tenants, ctx
}

func (p *pool) PrepareContext(ctx context.Context, query string) (*sql.Stmt, error) {
	db, ctx := p.route(ctx)
	return db.PrepareContext(ctx, query)
}

func (p *pool) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	db, ctx := p.route(ctx)
	return db.ExecContext(ctx, query, clean(args)...)
}

func (p *pool) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	db, ctx := p.route(ctx)
	return db.QueryContext(ctx, query, clean(args)...)
}

func (p *pool) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	db, ctx := p.route(ctx)
	return db.QueryRowContext(ctx, query, clean(args)...)
}

func (p *pool) BeginTx(ctx context.Context, options *sql.TxOptions) (gorm.ConnPool, error) {
	shared := isShared(ctx)
	db, ctx := p.route(ctx)
	tx, err := db.BeginTx(ctx, options)
	if err != nil {
		return nil, err
	}
	tenant, _ := mtdb.TenantFrom(ctx)
	return &transaction{tx, shared, tenant}, nil
}

func (p *pool) GetDBConn() (*sql.DB, error) { return p.tenants, nil }

// transaction keeps the calls of one transaction where it was begun: a context of another place is refused.
type transaction struct {
	*sql.Tx
	shared bool
	tenant string
}

var _ gorm.Tx = (*transaction)(nil)

func (t *transaction) place(ctx context.Context) context.Context {
	if t.shared && isShared(ctx) {
		return mtdb.WithTenant(ctx, t.tenant)
	}
	return ctx
}

func (t *transaction) PrepareContext(ctx context.Context, query string) (*sql.Stmt, error) {
	return t.Tx.PrepareContext(t.place(ctx), query)
}

func (t *transaction) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	return t.Tx.ExecContext(t.place(ctx), query, clean(args)...)
}

func (t *transaction) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return t.Tx.QueryContext(t.place(ctx), query, clean(args)...)
}

func (t *transaction) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	return t.Tx.QueryRowContext(t.place(ctx), query, clean(args)...)
}

// clean takes out what gorm's dialect for PostgreSQL tells its own client by an argument in front.
func clean(args []any) []any {
	if len(args) > 0 {
		if _, ours := args[0].(pgx.QueryExecMode); ours {
			return args[1:]
		}
	}
	return args
}
