// SPDX-License-Identifier: MIT

package gorm_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"
	gormio "gorm.io/gorm"
	"gorm.io/gorm/logger"

	mtdb "github.com/mtdb/mtdb/bindings/go"
	"github.com/mtdb/mtdb/bindings/go/gorm"
)

type Plan struct {
	ID   uint   `gorm:"primaryKey"`
	Name string `gorm:"size:64;uniqueIndex"`
}

func (Plan) TableName() string   { return "shared.plans" }
func (Plan) IsSharedModel() bool { return true }

type Author struct {
	ID        uint   `gorm:"primaryKey"`
	Name      string `gorm:"size:64"`
	Books     []Book
	CreatedAt time.Time
	DeletedAt gormio.DeletedAt `gorm:"index"`
}

func (Author) TableName() string   { return "authors" }
func (Author) IsSharedModel() bool { return false }

type Book struct {
	ID       uint   `gorm:"primaryKey"`
	Title    string `gorm:"size:64"`
	Sold     bool
	AuthorID uint
}

func (Book) TableName() string   { return "books" }
func (Book) IsSharedModel() bool { return false }

type wrong struct {
	name   string
	shared bool
}

func (w wrong) TableName() string   { return w.name }
func (w wrong) IsSharedModel() bool { return w.shared }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// onBackends runs a test over SQLite, and over the servers that the environment names.
func onBackends(t *testing.T, test func(t *testing.T, db *gorm.DB, prefix string)) {
	folder, err := filepath.EvalSymlinks(t.TempDir())
	must(t, err)
	urls := map[string]string{"sqlite": folder, "postgres": os.Getenv("MTDB_TEST_POSTGRES"),
		"mysql": os.Getenv("MTDB_TEST_MYSQL")}
	for name, url := range urls {
		if url == "" && os.Getenv("MTDB_TEST_SERVERS") != "" {
			t.Fatal("servers without ", name)
		}
		if url == "" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			shared := "shared"
			owner, err := mtdb.Open(url)
			must(t, err)
			defer owner.Close()
			_ = owner.DropTenant(context.Background(), shared)
			db, err := gorm.Open(url, gorm.Config{Gorm: &gormio.Config{Logger: logger.Discard}})
			must(t, err)
			prefix := fmt.Sprintf("gorm_%d_", os.Getpid())
			t.Cleanup(func() {
				for tenant, err := range db.Tenants().Tenants(context.Background()) {
					must(t, err)
					if strings.HasPrefix(tenant, prefix) {
						must(t, db.OffboardTenant(context.Background(), tenant))
					}
				}
				must(t, db.Close())
			})
			test(t, db, prefix)
		})
	}
}

func TestModelsAreRegisteredByTheirNames(t *testing.T) {
	onBackends(t, func(t *testing.T, db *gorm.DB, prefix string) {
		ctx := context.Background()
		if err := db.MigrateSharedModels(ctx); !errors.Is(err, gorm.ErrNoModels) {
			t.Errorf("none registered: %v", err)
		}
		must(t, db.RegisterModels(ctx, Plan{}))
		if err := db.MigrateTenantModels(ctx, prefix+"x"); !errors.Is(err, gorm.ErrNoModels) {
			t.Errorf("only shared ones: %v", err)
		}
		err := db.RegisterModels(ctx, Author{}, wrong{"plans", true}, wrong{"a.b", true}, wrong{"shared.", true},
			wrong{"a.b", false})
		if err == nil || strings.Count(err.Error(), "\n") != 3 {
			t.Errorf("four wrong ones: %v", err)
		}
		must(t, db.MigrateSharedModels(ctx)) // what was registered before is still there
		if err := db.AutoMigrate(&Author{}); !errors.Is(err, gorm.ErrInvalidMigration) {
			t.Errorf("auto: %v", err)
		}
	})
}

func TestTwoTenantsAndSharedTables(t *testing.T) {
	onBackends(t, func(t *testing.T, db *gorm.DB, prefix string) {
		ctx := context.Background()
		must(t, db.RegisterModels(ctx, Plan{}, Author{}, Book{}))
		must(t, db.MigrateSharedModels(ctx))
		must(t, db.Shared(ctx).Create(&Plan{Name: "basic"}).Error)
		for i := range 2 {
			tenant := fmt.Sprint(prefix, i)
			must(t, db.MigrateTenantModels(ctx, tenant))
			must(t, db.MigrateTenantModels(ctx, tenant))
			author := Author{Name: fmt.Sprint("author ", i), Books: []Book{{Title: "one", Sold: true}, {Title: "two"}}}
			must(t, db.Use(ctx, tenant).Create(&author).Error)
		}
		for i := range 2 {
			use := db.Use(ctx, fmt.Sprint(prefix, i))
			var authors []Author
			must(t, use.Preload("Books").Find(&authors).Error)
			if len(authors) != 1 || authors[0].Name != fmt.Sprint("author ", i) || len(authors[0].Books) != 2 ||
				!authors[0].Books[0].Sold || time.Since(authors[0].CreatedAt) > time.Hour {
				t.Errorf("tenant %d: %+v", i, authors)
			}
			var plan Plan
			must(t, use.First(&plan).Error)
			if plan.Name != "basic" || use.CurrentTenant() != fmt.Sprint(prefix, i) {
				t.Error(plan, use.CurrentTenant())
			}
			must(t, use.Delete(&authors[0]).Error)
			if err := use.First(&Author{}).Error; !errors.Is(err, gormio.ErrRecordNotFound) {
				t.Errorf("deleted: %v", err)
			}
		}
		if err := db.DB.WithContext(ctx).First(&Author{}).Error; !errors.Is(err, mtdb.ErrNoTenant) {
			t.Errorf("without a tenant: %v", err)
		}
		must(t, db.OffboardTenant(ctx, prefix+"0"))
		if err := db.OffboardTenant(ctx, prefix+"0"); !errors.Is(err, mtdb.ErrTenantUnknown) {
			t.Errorf("offboarded twice: %v", err)
		}
	})
}

func TestWithTenantKeepsErrorsAndPanics(t *testing.T) {
	onBackends(t, func(t *testing.T, db *gorm.DB, prefix string) {
		ctx, tenant := context.Background(), prefix+"w"
		must(t, db.RegisterModels(ctx, Author{}, Book{}))
		must(t, db.MigrateTenantModels(ctx, tenant))
		mine := errors.New("mine")
		insert := func(tx *gorm.DB) { must(t, tx.Create(&Author{Name: "x"}).Error) }
		if err := db.WithTenant(ctx, tenant, func(tx *gorm.DB) error { insert(tx); return mine }); err != mine {
			t.Errorf("another error: %v", err)
		}
		func() {
			defer func() { _ = recover() }()
			_ = db.WithTenant(ctx, tenant, func(tx *gorm.DB) error { insert(tx); panic("in the middle") })
		}()
		if err := db.WithTenant(ctx, "", func(*gorm.DB) error { return nil }); !errors.Is(err, mtdb.ErrNoTenant) {
			t.Errorf("an empty tenant: %v", err)
		}
		var count int64
		must(t, db.Use(ctx, tenant).Model(&Author{}).Count(&count).Error)
		if count != 0 {
			t.Errorf("%d rows stayed", count)
		}
		must(t, db.WithTenant(ctx, tenant, func(tx *gorm.DB) error { insert(tx); return nil }))
		must(t, db.Use(ctx, tenant).Model(&Author{}).Count(&count).Error)
		if count != 1 {
			t.Errorf("%d rows", count)
		}
	})
}

func TestManyTenantsAtOnceOnOneHandle(t *testing.T) {
	onBackends(t, func(t *testing.T, db *gorm.DB, prefix string) {
		ctx := context.Background()
		must(t, db.RegisterModels(ctx, Author{}, Book{}))
		var group sync.WaitGroup
		for i := range 8 {
			group.Go(func() {
				tenant := fmt.Sprint(prefix, "m", i)
				if err := db.MigrateTenantModels(ctx, tenant); err != nil {
					t.Error(err)
					return
				}
				for range 5 {
					if err := db.Use(ctx, tenant).Create(&Author{Name: tenant, Books: []Book{{}, {}}}).Error; err != nil {
						t.Error(err)
					}
				}
			})
		}
		group.Wait()
		for i := range 8 {
			tenant := fmt.Sprint(prefix, "m", i)
			var authors []Author
			must(t, db.Use(ctx, tenant).Find(&authors).Error)
			for _, author := range authors {
				if author.Name != tenant {
					t.Errorf("%s reads %s", tenant, author.Name)
				}
			}
			if len(authors) != 5 {
				t.Errorf("%s has %d authors", tenant, len(authors))
			}
		}
	})
}

func TestTheScopeNamesATenantOfAServer(t *testing.T) {
	onBackends(t, func(t *testing.T, db *gorm.DB, prefix string) {
		ctx, one, two := context.Background(), prefix+"s1", prefix+"s2"
		must(t, db.RegisterModels(ctx, Author{}, Book{}))
		must(t, db.MigrateTenantModels(ctx, one))
		must(t, db.MigrateTenantModels(ctx, two))
		must(t, db.Use(ctx, one).Create(&Author{Name: "one"}).Error)
		var count int64
		err := db.Use(ctx, two).Model(&Author{}).Scopes(db.TenantScope(one)).Count(&count).Error
		if db.Tenants().Engine() == "sqlite" {
			if !errors.Is(err, mtdb.ErrUnsupported) {
				t.Errorf("a file by name: %v", err)
			}
		} else if err != nil || count != 1 {
			t.Error(count, err)
		}
		if err := db.Use(ctx, two).Model(&Author{}).Scopes(db.TenantScope("a\"; --")).Count(&count).Error; err == nil {
			t.Error("a hostile tenant was taken")
		}
	})
}

func TestSqlxOverOneDBForAllTenants(t *testing.T) {
	onBackends(t, func(t *testing.T, db *gorm.DB, prefix string) {
		drivers := map[string]string{"sqlite": "sqlite3", "postgres": "postgres", "mysql": "mysql"}
		x := sqlx.NewDb(db.Tenants().SQL(), drivers[db.Tenants().Engine()])
		defer x.Close()
		for i := range 2 {
			tenant := fmt.Sprint(prefix, "x", i)
			must(t, db.Tenants().CreateTenant(context.Background(), tenant))
			ctx := mtdb.WithTenant(context.Background(), tenant)
			_, err := x.ExecContext(ctx, "CREATE TABLE note (id INTEGER, text VARCHAR(40))")
			must(t, err)
			_, err = x.NamedExecContext(ctx, "INSERT INTO note (id, text) VALUES (:id, :text)",
				[]map[string]any{{"id": 1, "text": tenant}, {"id": 2, "text": tenant}})
			must(t, err)
			var notes []struct {
				ID   int
				Text string
			}
			must(t, x.SelectContext(ctx, &notes, x.Rebind("SELECT id, text FROM note WHERE id > ? ORDER BY id"), 0))
			if len(notes) != 2 || notes[1].ID != 2 || notes[0].Text != tenant {
				t.Error(notes)
			}
		}
	})
}
