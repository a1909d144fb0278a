// SPDX-License-Identifier: MIT

package mtdb

import (
	"context"
	"sync"
	"testing"
	"time"
)

func TestAResolverAsksItsOwnDBWhileAllOthersWait(t *testing.T) {
	var db *DB
	full := func() bool { return len(db.slots) == cap(db.slots) }
	db, err := OpenWithResolver("sqlite::memory:", func(ctx context.Context, tenant string) (string, error) {
		if tenant == "directory" {
			return tenant, nil
		}
		for !full() {
			time.Sleep(time.Millisecond)
		}
		var place string
		err := db.QueryRow(WithTenant(ctx, "directory"), "SELECT 'place_of_' || ?", tenant).Scan(&place)
		return place, err
	}, WithTenantCreate("on_first_use"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.Ping(WithTenant(context.Background(), "directory")); err == nil {
		t.Error("ping made a tenant")
	}
	if _, err := db.Exec(WithTenant(context.Background(), "directory"), "SELECT 1"); err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for range waitersMax + 100 {
		group.Go(func() {
			if _, err := db.Exec(WithTenant(context.Background(), "acme"), "SELECT 1"); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
}
