// SPDX-License-Identifier: MIT

// Command hello is the first program of docs/go.md.
package main

import (
	"context"
	"fmt"

	mtdb "github.com/mtdb/mtdb/bindings/go"
)

func main() {
	db, _ := mtdb.Open("sqlite::memory:", mtdb.WithTenantCreate("on_first_use"))
	ctx := mtdb.WithTenant(context.Background(), "acme")
	_, _ = db.Script(ctx, "CREATE TABLE note (text TEXT); INSERT INTO note VALUES ('hello, acme')")
	var text string
	err := db.QueryRow(ctx, "SELECT text FROM note").Scan(&text)
	fmt.Println(text, err)
	_ = db.Close()
}
