// SPDX-License-Identifier: MIT

// Package gorm is an adapter for gorm with the calls of gorm-multitenancy: models are registered as shared or a
// tenant's, their tables are migrated, and statements run in the tenant of their context.
//
//	db, err := gorm.Open("postgres://app@db/app", gorm.Config{})
//	err = db.RegisterModels(ctx, &Plan{}, &Note{})
//	err = db.MigrateTenantModels(ctx, "acme")
//	err = db.Use(ctx, "acme").Create(&Note{Text: "hello"}).Error
//
// A statement whose context names no tenant is an error; nothing is ever run somewhere by default. Versioned scripts
// (mtdb.Migrator) are what mtdb recommends for production; this adapter's migrations diff models, as gorm does.
package gorm

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"

	"gorm.io/driver/mysql"
	"gorm.io/driver/postgres"
	"gorm.io/driver/sqlite"
	"gorm.io/gorm"

	mtdb "github.com/mtdb/mtdb/bindings/go"
)

// Model is what can be registered: gorm's table name, and whether the table is shared by all tenants.
type Model interface {
	TableName() string
	IsSharedModel() bool
}

// Config is how a db is opened.
type Config struct {
	// Shared is the namespace of the shared tables, "shared" when empty: they are named shared.NAME.
	Shared string
	// Options are of scope "db".
	Options []mtdb.Option
	// Gorm is gorm's own configuration; nil for its defaults.
	Gorm *gorm.Config
}

// DB is gorm over all tenants.
type DB struct {
	*gorm.DB
	state *state
}

// state is what all handles of one db have in common.
type state struct {
	tenants, owner *mtdb.DB // the owner has the shared namespace as a tenant of its own
	pool           *pool
	registry       sync.RWMutex
	shared, own    []Model
}

// ErrNoModels: there are no models of that kind to migrate.
var ErrNoModels = errors.New("gorm: no models are registered for this migration")

// ErrInvalidMigration: AutoMigrate is not for this db; see [DB.MigrateSharedModels] and [DB.MigrateTenantModels].
var ErrInvalidMigration = errors.New("gorm: invalid migration: use MigrateSharedModels or MigrateTenantModels")

// Open opens a db by a url of mtdb.Open, and makes the shared namespace if it is not there.
func Open(url string, config Config) (_ *DB, err error) {
	shared := config.Shared
	if shared == "" {
		shared = "shared"
	}
	owner, err := mtdb.Open(url, config.Options...)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = owner.Close()
		}
	}()
	if err := owner.CreateTenant(context.Background(), shared); err != nil && !errors.Is(err, mtdb.ErrExists) {
		return nil, err
	}
	tenants, err := mtdb.Open(url, append(append([]mtdb.Option{}, config.Options...), mtdb.WithTenantShared(shared))...)
	if err != nil {
		return nil, err
	}
	s := &state{tenants: tenants, owner: owner, pool: &pool{tenants: tenants.SQL(), owner: owner.SQL(), shared: shared}}
	given := config.Gorm
	if given == nil {
		given = &gorm.Config{}
	}
	s.pool.opening.Store(true)
	opened, err := gorm.Open(s.dialector(), given)
	s.pool.opening.Store(false)
	if err != nil {
		return nil, errors.Join(err, tenants.Close())
	}
	db := &DB{opened, s}
	return db, db.nameSharedTables()
}

func (s *state) dialector() gorm.Dialector {
	switch s.tenants.Engine() {
	case "postgres":
		return postgres.New(postgres.Config{Conn: s.pool})
	case "mysql":
		return mysql.New(mysql.Config{Conn: s.pool})
	}
	return sqlite.New(sqlite.Config{Conn: s.pool})
}

// nameSharedTables: in SQLite's own file of the shared tables they have no namespace in front.
func (db *DB) nameSharedTables() error {
	if db.state.tenants.Engine() != "sqlite" {
		return nil
	}
	prefix := db.state.pool.shared + "."
	strip := func(tx *gorm.DB) {
		if tx.Statement.Context != nil && isShared(tx.Statement.Context) {
			tx.Statement.Table = strings.TrimPrefix(tx.Statement.Table, prefix)
		}
	}
	callbacks := db.Callback()
	return errors.Join(callbacks.Create().Before("gorm:create").Register("mtdb:shared", strip),
		callbacks.Query().Before("gorm:query").Register("mtdb:shared", strip),
		callbacks.Update().Before("gorm:update").Register("mtdb:shared", strip),
		callbacks.Delete().Before("gorm:delete").Register("mtdb:shared", strip),
		callbacks.Row().Before("gorm:row").Register("mtdb:shared", strip))
}

// Tenants is the db below: its tenants, leases, migrators, events.
func (db *DB) Tenants() *mtdb.DB { return db.state.tenants }

// Close closes the db.
func (db *DB) Close() error {
	return errors.Join(db.state.pool.tenants.Close(), db.state.pool.owner.Close(), db.state.tenants.Close(),
		db.state.owner.Close())
}

// RegisterModels says what can be migrated, in place of what was registered before. A shared model's table is named
// shared.NAME, a tenant's has no dot in its name; all violations are told at once, and then nothing changes.
func (db *DB) RegisterModels(_ context.Context, models ...Model) error {
	var shared, own []Model
	var wrong []error
	for _, model := range models {
		name := model.TableName()
		space, table, dotted := strings.Cut(name, ".")
		switch {
		case model.IsSharedModel() && (!dotted || space != db.state.pool.shared || table == "" ||
			strings.Contains(table, ".")):
			wrong = append(wrong, fmt.Errorf("gorm: a shared table's name begins with '%s.', not '%s'", db.state.pool.shared,
				name))
		case !model.IsSharedModel() && (dotted || name == ""):
			wrong = append(wrong, fmt.Errorf("gorm: a tenant's table has a name without a dot, not '%s'", name))
		case model.IsSharedModel():
			shared = append(shared, model)
		default:
			own = append(own, model)
		}
	}
	if len(wrong) > 0 {
		return errors.Join(wrong...)
	}
	db.state.registry.Lock()
	defer db.state.registry.Unlock()
	db.state.shared, db.state.own = shared, own
	return nil
}

// MigrateSharedModels makes the shared tables as their models are.
func (db *DB) MigrateSharedModels(ctx context.Context) error {
	db.state.registry.RLock()
	models := db.state.shared
	db.state.registry.RUnlock()
	place := mtdb.WithTenant(ctx, db.state.pool.shared)
	return db.migrate(context.WithValue(ctx, sharedKey{}, true), place, db.state.owner, models)
}

// MigrateTenantModels makes the tenant if it is not there, and its tables as their models are.
func (db *DB) MigrateTenantModels(ctx context.Context, tenant string) error {
	db.state.registry.RLock()
	models := db.state.own
	db.state.registry.RUnlock()
	if len(models) == 0 {
		return ErrNoModels
	}
	if err := db.state.tenants.CreateTenant(ctx, tenant); err != nil && !errors.Is(err, mtdb.ErrExists) {
		return err
	}
	ctx = mtdb.WithTenant(ctx, tenant)
	return db.migrate(ctx, ctx, db.state.tenants, models)
}

// migrate diffs the models in one transaction, while a lock of the server's keeps other migrators of the place out.
func (db *DB) migrate(ctx, place context.Context, tenants *mtdb.DB, models []Model) error {
	if len(models) == 0 {
		return ErrNoModels
	}
	return tenants.With(place, func(conn *mtdb.Conn) (err error) {
		lock, err := conn.Driver(place, mtdb.WithDriverTable("gorm_models"))
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, lock.Close()) }()
		if err := lock.Lock(place); err != nil {
			return err
		}
		return db.diff(ctx, conn, models)
	})
}

// diff lets gorm diff the models on one lease: in a transaction, but on MySQL, where DDL commits by itself.
func (db *DB) diff(ctx context.Context, conn *mtdb.Conn, models []Model) error {
	work := func(tx *gorm.DB) error {
		for _, model := range models {
			if err := tx.Table(db.state.tableOf(model)).AutoMigrate(model); err != nil {
				return err
			}
		}
		return nil
	}
	lease := conn.SQL()
	defer lease.Close()
	session := db.Session(&gorm.Session{NewDB: true, Context: ctx})
	session.Statement.ConnPool = &pool{tenants: lease, owner: lease, shared: db.state.pool.shared}
	if db.state.tenants.Engine() == "mysql" {
		return work(session)
	}
	return session.Transaction(work)
}

// tableOf is a model's table where it is migrated: a shared one in its own namespace.
func (s *state) tableOf(model Model) string {
	return strings.TrimPrefix(model.TableName(), s.pool.shared+".")
}

// OffboardTenant drops a tenant with all its data. Unknown tenants are an error, and so is one that is in use.
func (db *DB) OffboardTenant(ctx context.Context, tenant string) error {
	return db.state.tenants.DropTenant(ctx, tenant)
}

// Use is a handle whose statements run in a tenant. It needs no reset: nothing of the connection is changed.
func (db *DB) Use(ctx context.Context, tenant string) *DB {
	return &DB{db.Session(&gorm.Session{NewDB: true, Context: mtdb.WithTenant(ctx, tenant)}), db.state}
}

// Shared is a handle whose statements run where the shared tables are, to write them.
func (db *DB) Shared(ctx context.Context) *DB {
	return &DB{db.Session(&gorm.Session{NewDB: true, Context: context.WithValue(ctx, sharedKey{}, true)}), db.state}
}

// WithTenant runs f in a transaction of a tenant. When f fails or panics it is rolled back, and f's error is returned
// as it is; else it is committed.
func (db *DB) WithTenant(ctx context.Context, tenant string, f func(*DB) error, options ...*sql.TxOptions) error {
	return db.Use(ctx, tenant).Transaction(func(tx *gorm.DB) error { return f(&DB{tx, db.state}) }, options...)
}

// CurrentTenant is the tenant that the handle's statements run in, or "".
func (db *DB) CurrentTenant() string {
	tenant, _ := mtdb.TenantFrom(db.Statement.Context)
	return tenant
}

// AutoMigrate is refused: a model's tables belong into the tenants, or into the shared namespace.
func (db *DB) AutoMigrate(...any) error { return ErrInvalidMigration }

// TenantScope puts a tenant's namespace in front of the table of one query, for programs that read several tenants of a
// server by name. SQLite's tenants are files, which no name reaches.
func (db *DB) TenantScope(tenant string) func(*gorm.DB) *gorm.DB {
	return func(tx *gorm.DB) *gorm.DB {
		if err := db.state.tenants.CheckTenant(tenant); err != nil {
			_ = tx.AddError(err)
			return tx
		}
		if db.state.tenants.Engine() == "sqlite" {
			_ = tx.AddError(fmt.Errorf("gorm: tenants of SQLite are files: %w", mtdb.ErrUnsupported))
			return tx
		}
		statement := tx.Statement
		table := statement.Table
		if table == "" {
			model := statement.Model
			if model == nil {
				model = statement.Dest
			}
			if err := statement.Parse(model); err != nil {
				_ = tx.AddError(err)
				return tx
			}
			table = statement.Table
		}
		return tx.Table(tenant + "." + table)
	}
}
