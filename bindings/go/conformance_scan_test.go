// SPDX-License-Identifier: MIT

package mtdb

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// callScan reads all rows and keeps none; the context ends before, while the statement runs, or after the first row.
func callScan(r *run) {
	deadline, release := r.context()
	defer release()
	ctx, cancel := context.WithCancel(deadline)
	defer cancel()
	switch r.step.Cancel {
	case "before":
		cancel()
	case "running":
		defer time.AfterFunc(50*time.Millisecond, cancel).Stop()
	}
	var count, sum int64
	rows, err := r.conn.Query(ctx, r.text())
	if err == nil {
		for rows.Next() {
			sum += rows.Int64(0)
			if count++; count == 1 && r.step.Cancel == "rows" {
				cancel()
			}
		}
		err = rows.Err()
		_ = rows.Close()
	}
	if r.step.Cancel == "rows" {
		r.expect("rows before the cancel", count > 0, true)
	}
	if r.step.RowsCount != nil {
		r.expect("rows_count", count, *r.step.RowsCount)
	}
	if r.step.RowsSum != nil {
		r.expect("rows_sum", sum, *r.step.RowsSum)
	}
	r.outcome(err)
}

// callParallel has each goroutine go from tenant to tenant: it writes there, and counts rows of others.
func callParallel(r *run) {
	contexts := make([]context.Context, r.step.Tenants)
	for i := range contexts {
		id := fmt.Sprint(r.name, "x", i)
		contexts[i] = WithTenant(context.Background(), id)
		_ = r.db.DropTenant(contexts[i], id) // of the run before
		if err := r.db.CreateTenant(contexts[i], id); err != nil {
			r.t.Fatal(err)
		}
		if _, err := r.db.Exec(contexts[i], r.step.Create); err != nil {
			r.t.Fatal(err)
		}
	}
	var others atomic.Int64
	var group sync.WaitGroup
	for thread := range r.step.Threads {
		group.Add(1)
		go func() {
			defer group.Done()
			for round := range r.step.Rounds {
				n, err := r.writeAndCount(contexts[(thread+round)%r.step.Tenants])
				if others.Add(n); err != nil {
					r.t.Error(err)
				}
			}
		}()
	}
	group.Wait()
	r.expect("rows of others", others.Load(), 0)
	for _, ctx := range contexts {
		var rows int
		if err := r.db.QueryRow(ctx, r.step.All).Scan(&rows); err != nil {
			r.t.Error(err)
		}
		r.expect("rows", rows, r.step.Threads*r.step.Rounds/r.step.Tenants)
	}
}

func (r *run) writeAndCount(ctx context.Context) (others int64, err error) {
	id, _ := TenantFrom(ctx)
	waited, cancel := context.WithTimeout(ctx, time.Hour) // longer than the option for leases
	defer cancel()
	if _, err = r.db.Exec(waited, r.step.Write, id); err == nil {
		err = r.db.QueryRow(waited, r.step.Others, id).Scan(&others)
	}
	return others, err
}

// callEvent takes events until the one that is looked for.
func callEvent(r *run) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	for event, err := range r.db.Events(ctx) {
		if err != nil || event.Name == r.step.Name && event.Tenant == r.tenant() {
			r.outcome(err)
			return
		}
	}
	r.t.Errorf("no event %s of %s within 10 s", r.step.Name, r.tenant())
}
