// SPDX-License-Identifier: MIT

package mtdb

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"

	"github.com/mtdb/mtdb/bindings/go/internal/raw"
)

// Resolver tells where a tenant lives: a path below the root, a namespace, or a url. All callers of one tenant share
// one answer, which is believed for option route.ttl_ms. An error refuses the tenant for as long, with its text as the
// reason; the call that asked fails with that error itself.
//
// It is called in the context of the call that asked first, without its cancel: others may wait for the answer. It may
// use the same db in that context, for tenants whose places it knows without asking.
type Resolver func(ctx context.Context, tenant string) (place string, err error)

// resolvingKey marks the context of a resolver's call.
type resolvingKey struct{}

// locatorsMax resolvers are asked at once for the tenants of a run.
const locatorsMax = 16

// locate has the resolver asked for the tenants of a run, which asks nobody itself. What fails is told where the
// tenant's turn comes.
func (db *DB) locate(ctx context.Context, tenants []string) {
	if db.resolver == nil {
		return
	}
	var group sync.WaitGroup
	next := make(chan string)
	for range min(locatorsMax, len(tenants)) {
		group.Go(func() {
			for tenant := range next {
				_, _ = db.TenantExists(ctx, tenant)
			}
		})
	}
	for _, tenant := range tenants {
		next <- tenant
	}
	close(next)
	group.Wait()
}

// resolve answers one open request of the library, unless another call has taken it.
func (db *DB) resolve(ctx context.Context) error {
	var id, needed int64
	var kind int32
	var err uintptr
	tenant := make([]byte, 256)
	status := raw.Mtdb_db_request(db.handle, 0, 0, &id, &kind, tenant, &needed, &err)
	if failed := failure(status, err); failed != nil || status == raw.MTDB_DONE {
		return failed
	}
	answered := make(chan error, 1)
	asked := context.WithValue(context.WithoutCancel(ctx), resolvingKey{}, true)
	go func() { answered <- db.answer(asked, id, kind, string(tenant[:needed])) }()
	select {
	case failed := <-answered:
		return failed
	case <-ctx.Done():
		return ended(ctx) // The answer still serves the others.
	}
}

// answer asks the resolver and tells the library. It fails only for the tenant that the caller's context names.
func (db *DB) answer(ctx context.Context, id int64, kind int32, tenant string) error {
	defer runtime.KeepAlive(db)
	var err uintptr
	place, refusal := db.ask(ctx, kind, tenant)
	if refusal == nil {
		return failure(raw.Mtdb_db_answer(db.handle, id, place, &err), err)
	}
	reason := strings.Map(func(r rune) rune {
		if r < ' ' {
			return ' '
		}
		return r
	}, refusal.Error())
	if failed := failure(raw.Mtdb_db_refuse(db.handle, id, reason, &err), err); failed != nil &&
		!errors.Is(failed, ErrNotFound) {
		return failed
	}
	if asked, ok := TenantFrom(ctx); ok && asked == tenant {
		return fmt.Errorf("mtdb: resolving tenant %s: %w", tenant, refusal)
	}
	return nil
}

func (db *DB) ask(ctx context.Context, kind int32, tenant string) (place string, err error) {
	if kind != raw.MTDB_REQUEST_ROUTE || db.resolver == nil {
		return "", errors.New("the program has no resolver")
	}
	defer func() {
		if caught := recover(); caught != nil {
			err = fmt.Errorf("the resolver panicked: %v", caught)
		}
	}()
	return db.resolver(ctx, tenant)
}
