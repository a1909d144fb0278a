// SPDX-License-Identifier: MIT

// Command atlas has one tenant per country: ISO 3166-1 makes the tenants, ISO 3166-2 their data. It creates, migrates,
// loads and reads them all, shows that none reaches another's rows, then brings every tenant up to a second release.
//
// Usage: atlas URL DATA SCRIPTS, with the folders of the iso-codes and of release-1
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"
	"sync"

	mtdb "github.com/mtdb/mtdb/bindings/go"
)

type country struct {
	Code         string `json:"alpha_2"`
	Name         string
	subdivisions [][]any
}

func (c country) in(ctx context.Context) context.Context {
	return mtdb.WithTenant(ctx, strings.ToLower(c.Code))
}

func main() {
	data, scripts := os.Args[2], os.Args[3]
	db := must(mtdb.Open(os.Args[1], mtdb.WithPlaceholders("portable"), mtdb.WithPoolTenantsMax(64)))
	defer db.Close()
	ctx, countries := context.Background(), read(data)
	for _, c := range countries {
		if err := db.CreateTenant(ctx, strings.ToLower(c.Code)); err != nil && !errors.Is(err, mtdb.ErrExists) {
			log.Fatal(err)
		}
	}
	fmt.Println("release 1:", migrate(ctx, db, filepath.Join(scripts, "release-1")), "scripts applied")
	for _, c := range countries {
		check(load(c.in(ctx), db, c))
	}
	fmt.Println("read", readBack(ctx, db, countries), "subdivisions back, each in its own country")
	france := mtdb.WithTenant(ctx, "fr")
	_, err := db.Exec(france, "ATTACH DATABASE 'de.db' AS de")
	fmt.Println("in fr, attaching de:", err)
	fmt.Println("release 2:", migrate(ctx, db, scripts), "scripts applied")
	rows := must(db.Query(france, "SELECT name, subdivisions FROM kind ORDER BY subdivisions DESC"))
	for rows.Next() {
		fmt.Printf("  fr: %d x %s\n", rows.Int64(1), rows.Text(0))
	}
	check(rows.Err())
}

func read(folder string) (countries []country) {
	var subdivisions map[string][]struct{ Code, Name, Type, Parent string }
	var list map[string][]country
	check(json.Unmarshal(must(os.ReadFile(filepath.Join(folder, "iso_3166-1.json"))), &list))
	check(json.Unmarshal(must(os.ReadFile(filepath.Join(folder, "iso_3166-2.json"))), &subdivisions))
	for _, c := range list["3166-1"] {
		for _, s := range subdivisions["3166-2"] {
			if strings.HasPrefix(s.Code, c.Code+"-") {
				c.subdivisions = append(c.subdivisions, []any{s.Code, s.Name, s.Type, s.Parent})
			}
		}
		countries = append(countries, c)
	}
	return countries
}

// migrate brings all tenants to the newest script of a folder.
func migrate(ctx context.Context, db *mtdb.DB, folder string) (applied int64) {
	migrator := must(db.Migrator(mtdb.WithMigrateSource(folder), mtdb.WithMigrateNewer(true)))
	for _, outcome := range must(migrator.Run(ctx, "migrate", mtdb.Latest, nil, mtdb.WithRunWorkers(4))) {
		check(outcome.Err)
		applied += outcome.Applied
	}
	return applied
}

func load(ctx context.Context, db *mtdb.DB, c country) error {
	return db.RunTx(ctx, func(tx *mtdb.Tx) error {
		must(tx.Script(ctx, "DELETE FROM subdivision; DELETE FROM country"))
		must(tx.Exec(ctx, "INSERT INTO country (code, name) VALUES (?, ?)", c.Code, c.Name))
		_, err := tx.ExecRows(ctx, "INSERT INTO subdivision (code, name, kind, parent) VALUES (?, ?, ?, ?)", c.subdivisions)
		return err
	})
}

// readBack reads every tenant in a goroutine of its own and counts; a row of another country ends the program.
func readBack(ctx context.Context, db *mtdb.DB, countries []country) (total int) {
	var group sync.WaitGroup
	for _, c := range countries {
		total += len(c.subdivisions)
		group.Go(func() {
			var all, own int
			row := db.QueryRow(c.in(ctx), "SELECT COUNT(*), COUNT(CASE WHEN code LIKE ? THEN 1 END) FROM subdivision",
				c.Code+"-%")
			if check(row.Scan(&all, &own)); own != len(c.subdivisions) || all != own {
				log.Fatalf("%s has %d rows, %d of its own", c.Name, all, own)
			}
		})
	}
	group.Wait()
	return total
}

func must[T any](value T, err error) T { check(err); return value }

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
