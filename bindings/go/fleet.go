// SPDX-License-Identifier: MIT

package mtdb

import (
	"context"
	"runtime"
	"strings"
	"time"

	"github.com/mtdb/mtdb/bindings/go/internal/raw"
)

// Fleet does one thing to many tenants: a canary first, then waves; it halts when its budget of failures is spent, and
// drains what has begun. A ledger in the control store lets a run that was killed be taken up.
type Fleet struct {
	db      *DB
	handle  uintptr
	verdict func(Progress) bool
	list    []string // of a db with a resolver
}

// Fleet makes a run, or takes up one by its name. Options are of scope "fleet"; the migrator may be nil for
// [WithFleetVerb]("sql"). Nothing is done before [Fleet.Run].
func (db *DB) Fleet(migrator *Migrator, options ...Option) (*Fleet, error) {
	f := &Fleet{db: db}
	var of uintptr
	if migrator != nil {
		of = migrator.handle
	}
	failed := withOptions(options, func(handle uintptr) error {
		var out, err uintptr
		status := raw.Mtdb_fleet_new(db.handle, of, handle, &out, &err)
		f.handle = out
		return failure(status, err)
	})
	runtime.KeepAlive(migrator)
	runtime.KeepAlive(db)
	if failed != nil {
		return nil, failed
	}
	runtime.AddCleanup(f, raw.Mtdb_fleet_release, f.handle)
	return f, nil
}

// Add adds tenants to the run's list. A run without a list takes all tenants.
func (f *Fleet) Add(tenants ...string) error {
	defer runtime.KeepAlive(f)
	for _, tenant := range tenants {
		var err uintptr
		if failed := failure(raw.Mtdb_fleet_add(f.handle, tenant, &err), err); failed != nil {
			return failed
		}
		f.listed(tenant)
	}
	return nil
}

func (f *Fleet) listed(tenants ...string) {
	if f.db.resolver != nil {
		f.list = append(f.list, tenants...)
	}
}

// locate is done once, before the run.
func (f *Fleet) locate(ctx context.Context) {
	f.db.locate(ctx, f.list)
	f.list = nil
}

// AddWave adds tenants that are a wave of their own, in the order of the calls: behind the canary, before those of
// [Fleet.Add], which go in waves by size.
func (f *Fleet) AddWave(tenants ...string) error {
	var err uintptr
	defer runtime.KeepAlive(f)
	failed := failure(raw.Mtdb_fleet_add_wave(f.handle, strings.Join(tenants, "\n"), &err), err)
	if failed == nil {
		f.listed(tenants...)
	}
	return failed
}

// Share gives the run the scripts of the shared tables, which are not the tenants': they run once, before any tenant,
// where [WithTenantShared] says. If they fail, the run halts before it touches a tenant.
func (f *Fleet) Share(migrator *Migrator) error {
	var err uintptr
	defer runtime.KeepAlive(f)
	defer runtime.KeepAlive(migrator)
	return failure(raw.Mtdb_fleet_share(f.handle, migrator.handle, &err), err)
}

// Verdict gives the function that says after each wave whether the run goes on, with [WithFleetVerdict](true). Without
// one such a run halts after its first wave.
func (f *Fleet) Verdict(goOn func(Progress) bool) { f.verdict = goOn }

// Run runs until the run has ended, and tells how many tenants have failed, also on failure. With
// [WithFleetOnFailure]("continue") it ends well though tenants failed. The context's end stops it between two scripts
// of a tenant; what is left stays due.
func (f *Fleet) Run(ctx context.Context) (failed int64, err error) {
	defer runtime.KeepAlive(f)
	f.locate(ctx)
	for {
		status, err := waiting(ctx, func(timeout int64, cancel uintptr, err *uintptr) int32 {
			if _, limited := ctx.Deadline(); !limited {
				timeout = int64(raw.MTDB_FOREVER)
			}
			return raw.Mtdb_fleet_run(f.handle, timeout, cancel, &failed, err)
		})
		if err != nil || status != raw.MTDB_NEEDS {
			return failed, err
		}
		if err := f.decide(ctx); err != nil {
			return failed, err
		}
	}
}

// Query runs the statement of [WithFleetSQL] on each tenant, with [WithFleetVerb]("sql"), and gives its rows as they
// come: column 0 is the tenant, then the statement's own. The run goes on while the rows are read, a few blocks ahead
// of the reader. Rows of a tenant that failed afterwards were given: [Fleet.Results] says which ones did. Closing the
// rows before their end stops the run, and waits until what has begun is done.
func (f *Fleet) Query(ctx context.Context) (*Rows, error) {
	defer runtime.KeepAlive(f)
	f.locate(ctx)
	return f.db.resultThat(ctx, endsWork, func(timeout int64, cancel uintptr, out, err *uintptr) int32 {
		if _, limited := ctx.Deadline(); !limited {
			timeout = int64(raw.MTDB_FOREVER)
		}
		return raw.Mtdb_fleet_query(f.handle, timeout, cancel, out, err)
	})
}

// decide gives the verdict, or answers what the library needs of the program.
func (f *Fleet) decide(ctx context.Context) error {
	progress, err := f.Progress()
	if err != nil {
		return err
	}
	if progress.State != "verdict" {
		return f.db.resolve(ctx)
	}
	goOn := int32(0)
	if f.verdict != nil && f.verdict(progress) {
		goOn = 1
	}
	var handle uintptr
	return failure(raw.Mtdb_fleet_decide(f.handle, goOn, &handle), handle)
}

// Stop asks the run to stop, from any goroutine: what has begun is done to its end, and Run fails as cancelled.
func (f *Fleet) Stop() error {
	var err uintptr
	defer runtime.KeepAlive(f)
	return failure(raw.Mtdb_fleet_stop(f.handle, &err), err)
}

// Progress is where a run stands.
type Progress struct {
	Run, State                  string // fresh, running, verdict, halted, stopped, done
	Wave, Waves                 int64  // from 1
	Tenants, Done, Failed, Left int64
	Elapsed                     time.Duration
	Rate                        float64 // tenants a second
	Reason                      string  // why it halted
}

// Progress tells where the run stands, also while it runs.
func (f *Fleet) Progress() (Progress, error) {
	defer runtime.KeepAlive(f)
	rows, err := f.db.result(context.Background(), func(_ int64, _ uintptr, out, err *uintptr) int32 {
		return raw.Mtdb_fleet_progress(f.handle, out, err)
	})
	list, err := Collect(rows, err, func(r *Rows) (Progress, error) {
		return Progress{r.Text(0), r.Text(1), r.Int64(2), r.Int64(3), r.Int64(4), r.Int64(5), r.Int64(6), r.Int64(7),
			time.Duration(r.Int64(8)) * time.Millisecond, r.Float64(9), r.Text(10)}, nil
	})
	if err != nil || len(list) == 0 {
		return Progress{}, err
	}
	return list[0], nil
}

// FleetResult is what became of one tenant of a run.
type FleetResult struct {
	Tenant            string
	Wave              int64
	State             string // pending, running, done, failed
	Attempts, Applied int64
	Before, Version   string // where it stood, and stands
	Standing          string // up_to_date, outdated, newer, problem
	Duration          time.Duration
	Err               error // nil: it did not fail
}

// Results tell what became of each tenant, in the order of the list; not while the run is running.
func (f *Fleet) Results() ([]FleetResult, error) {
	defer runtime.KeepAlive(f)
	rows, err := f.db.result(context.Background(), func(_ int64, _ uintptr, out, err *uintptr) int32 {
		return raw.Mtdb_fleet_results(f.handle, out, err)
	})
	return Collect(rows, err, func(r *Rows) (FleetResult, error) {
		return FleetResult{r.Text(0), r.Int64(1), r.Text(2), r.Int64(4), r.Int64(5), r.Text(6), r.Text(7), r.Text(8),
			time.Duration(r.Int64(9)) * time.Millisecond, errorOf(r.Int64(3), r.Text(11), r.Text(10))}, nil
	})
}
