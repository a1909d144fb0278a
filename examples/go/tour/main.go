// SPDX-License-Identifier: MIT

// Command tour holds the further programs of docs/go.md, and runs them.
package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"os"
	"time"

	mtdb "github.com/mtdb/mtdb/bindings/go"
)

func standard(ctx context.Context, db *mtdb.DB) error {
	pool := db.SQL() // one *sql.DB for all tenants
	defer pool.Close()
	_, err := pool.ExecContext(ctx, "INSERT INTO note VALUES (:text)", sql.Named("text", "by database/sql"))
	return err
}

func transaction(ctx context.Context, db *mtdb.DB) error {
	return db.RunTx(ctx, func(tx *mtdb.Tx) error {
		_, err := tx.Exec(ctx, "INSERT INTO note VALUES (?)", "in a transaction")
		return err
	})
}

func deadline(ctx context.Context, db *mtdb.DB) error {
	ctx, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
	defer cancel()
	_, err := db.Exec(ctx, "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT count(*) FROM c")
	if !errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("it ended with %v", err)
	}
	return nil
}

func rows(ctx context.Context, db *mtdb.DB) error {
	rows, err := db.Query(ctx, "SELECT rowid, text FROM note")
	if err != nil {
		return err
	}
	for row, err := range rows.All() {
		if err != nil {
			return err
		}
		fmt.Println(row.Int64(0), row.Text(1))
	}
	return nil
}

func failures(ctx context.Context, db *mtdb.DB) error {
	_, err := db.Exec(ctx, "SELECT 1\nFROM nowhere")
	var failed *mtdb.Error
	if !errors.As(err, &failed) {
		return err
	}
	fmt.Println(failed.Code, failed.SQLState, failed.Tenant, failed.Line, failed.Retryable)
	return nil
}

func migrations(ctx context.Context, db *mtdb.DB) error {
	migrator, err := db.Migrator()
	if err != nil {
		return err
	}
	err = migrator.Add(mtdb.Script{Version: "1", Description: "tags", Up: "CREATE TABLE tag (name TEXT)"})
	if err != nil {
		return err
	}
	_, err = migrator.Migrate(mtdb.WithTenant(ctx, "globex"), mtdb.Latest)
	return err
}

func fleet(ctx context.Context, db *mtdb.DB) error {
	fleet, err := db.Fleet(nil, mtdb.WithFleetVerb("sql"), mtdb.WithFleetSQL("SELECT count(*) FROM tag"),
		mtdb.WithFleetLedger("off"))
	if err != nil {
		return err
	}
	if err := fleet.Add("globex"); err != nil {
		return err
	}
	rows, err := fleet.Query(ctx)
	if err != nil {
		return err
	}
	for row, err := range rows.All() {
		if err != nil {
			return err
		}
		fmt.Println(row.Text(0), row.Int64(1))
	}
	return nil
}

func resolver(ctx context.Context) error {
	places := map[string]string{"acme": "eu/acme.db"}
	folder, err := os.MkdirTemp("", "mtdb-tour-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	if err := os.Mkdir(folder+"/eu", 0o700); err != nil {
		return err
	}
	db, err := mtdb.OpenWithResolver(folder, func(_ context.Context, tenant string) (string, error) {
		if place, ok := places[tenant]; ok {
			return place, nil
		}
		return "", errors.New("not in the directory")
	}, mtdb.WithTenantCreate("on_first_use"))
	if err != nil {
		return err
	}
	defer db.Close()
	_, err = db.Exec(ctx, "CREATE TABLE note (text TEXT)")
	return err
}

func main() {
	db, err := mtdb.Open("sqlite::memory:", mtdb.WithTenantCreate("on_first_use"))
	check(err)
	ctx := mtdb.WithTenant(context.Background(), "acme")
	go func() { check(db.LogEvents(context.Background(), slog.Default())) }()
	_, err = db.Exec(ctx, "CREATE TABLE note (text TEXT)")
	check(err)
	for _, step := range []func(context.Context, *mtdb.DB) error{standard, transaction, deadline, rows, failures,
		migrations, fleet} {
		check(step(ctx, db))
	}
	check(resolver(ctx))
	check(db.Close())
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
