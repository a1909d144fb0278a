// SPDX-License-Identifier: MIT
//go:build mtdb_strict

package mtdb

import (
	"context"
	"errors"
	"testing"
)

func TestStrictASecondGoroutineInALeasePanicsAndTheFirstGoesOn(t *testing.T) {
	db, err := Open("echo:", WithTenantCreate("on_first_use"))
	if err != nil {
		t.Fatal(err)
	}
	ctx := WithTenant(context.Background(), "a")
	conn, err := db.Acquire(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.enter(); err != nil { // the first one is inside
		t.Fatal(err)
	}
	caught := make(chan any)
	go func() {
		defer func() { caught <- recover() }()
		_, _ = conn.Exec(ctx, "echo 1")
	}()
	if err, ok := (<-caught).(error); !ok || !errors.Is(err, CodeMisuse) {
		t.Errorf("caught %v", err)
	}
	conn.leave()
	if _, err := conn.Exec(ctx, "echo 1"); err != nil {
		t.Error(err)
	}
	if err := errors.Join(conn.Close(), db.Close()); err != nil {
		t.Error(err)
	}
}
