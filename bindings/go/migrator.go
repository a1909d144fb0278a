// SPDX-License-Identifier: MIT

package mtdb

import (
	"context"
	"encoding/json"
	"runtime"
	"strings"

	"github.com/mtdb/mtdb/bindings/go/internal/raw"
)

// Migrator holds one ordered set of scripts: a folder in golang-migrate's or Flyway's layout, or added one by one. The
// history is written as that tool writes it.
type Migrator struct {
	db     *DB
	handle uintptr
}

// Targets beside a version such as "2.1".
const (
	Latest  = "latest"
	Current = "current"
	Next    = "next"
	Empty   = "empty" // for Undo and Force: no version
)

// Migrator makes a migrator. Options are of scope "migrator", [WithMigrateSource] above all.
func (db *DB) Migrator(options ...Option) (*Migrator, error) {
	m := &Migrator{db: db}
	failed := withOptions(options, func(handle uintptr) error {
		var out, err uintptr
		status := raw.Mtdb_migrator_new(db.handle, handle, &out, &err)
		m.handle = out
		return failure(status, err)
	})
	runtime.KeepAlive(db)
	if failed != nil {
		return nil, failed
	}
	runtime.AddCleanup(m, raw.Mtdb_migrator_release, m.handle)
	return m, nil
}

// Script is one migration: its version, such as "3" or "2024.1.7", and the statements that do and undo it.
type Script struct {
	Version, Description, Up, Down string
}

// Add adds scripts. Not after a verb has run, nor to a migrator that reads a folder.
func (m *Migrator) Add(scripts ...Script) error {
	defer runtime.KeepAlive(m)
	for _, s := range scripts {
		var err uintptr
		status := raw.Mtdb_migrator_add(m.handle, s.Version, s.Description, s.Up, s.Down, &err)
		if failed := failure(status, err); failed != nil {
			return failed
		}
	}
	return nil
}

// Enable makes the db ask this migrator at each tenant's first lease, in the mode of [WithMigrateMode]: auto migrates,
// check refuses outdated and newer tenants, manual does nothing.
func (m *Migrator) Enable() error {
	var err uintptr
	defer runtime.KeepAlive(m)
	return failure(raw.Mtdb_migrator_enable(m.handle, &err), err)
}

// call makes a verb's call in the context's tenant.
func (m *Migrator) call(ctx context.Context, call func(tenant string, timeoutMS int64, cancel uintptr,
	err *uintptr) int32) error {
	tenant, err := tenantOf(ctx)
	if err != nil {
		return err
	}
	defer runtime.KeepAlive(m)
	return m.db.call(ctx, func(timeout int64, cancel uintptr, err *uintptr) int32 {
		return call(tenant, timeout, cancel, err)
	})
}

// rows makes a verb's call that has a result, in the context's tenant.
func (m *Migrator) rows(ctx context.Context, call func(tenant string, timeoutMS int64, cancel uintptr, out,
	err *uintptr) int32) (*Rows, error) {
	tenant, err := tenantOf(ctx)
	if err != nil {
		return nil, err
	}
	defer runtime.KeepAlive(m)
	return m.db.result(ctx, func(timeout int64, cancel uintptr, out, err *uintptr) int32 {
		return call(tenant, timeout, cancel, out, err)
	})
}

// Migrate migrates the context's tenant: to a version, [Latest] or "", [Current], [Next], "+2". Each script commits
// together with its history row; a cancel stops between scripts. It tells how many scripts it applied, also on failure.
func (m *Migrator) Migrate(ctx context.Context, target string) (applied int64, err error) {
	err = m.call(ctx, func(tenant string, timeout int64, cancel uintptr, err *uintptr) int32 {
		return raw.Mtdb_migrator_migrate(m.handle, tenant, target, timeout, cancel, &applied, err)
	})
	return applied, err
}

// Undo undoes applied scripts above a target, newest first: a version to stay at, [Empty] for all, [Next] or "-2" for
// the newest.
func (m *Migrator) Undo(ctx context.Context, target string) (undone int64, err error) {
	err = m.call(ctx, func(tenant string, timeout int64, cancel uintptr, err *uintptr) int32 {
		return raw.Mtdb_migrator_undo(m.handle, tenant, target, timeout, cancel, &undone, err)
	})
	return undone, err
}

// Step is what a script would do.
type Step struct {
	Version, Description, Script, Kind string
	Checksum                           int64
	State, Problem                     string // state: pending, applied, …
	Transactional                      bool
	Statements                         int64
	Destructive                        string
}

// Plan computes what Migrate would run, touching nothing; problems come first.
func (m *Migrator) Plan(ctx context.Context, target string) ([]Step, error) {
	rows, err := m.rows(ctx, func(tenant string, timeout int64, cancel uintptr, out, err *uintptr) int32 {
		return raw.Mtdb_migrator_plan(m.handle, tenant, target, timeout, cancel, out, err)
	})
	return Collect(rows, err, func(r *Rows) (Step, error) {
		return Step{r.Text(0), r.Text(1), r.Text(2), r.Text(3), r.Int64(4), r.Text(5), r.Text(6), r.Int64(7) != 0,
			r.Int64(8), r.Text(9)}, nil
	})
}

// Standing is where a tenant stands.
type Standing struct {
	Tenant, Current, Target string // current: empty when nothing was applied
	State                   string // up_to_date, outdated, newer, problem
	Pending                 int64
	AppliedAt, History      string
	Problem                 string
}

// Status tells where the context's tenant stands.
func (m *Migrator) Status(ctx context.Context) (Standing, error) {
	rows, err := m.rows(ctx, func(tenant string, timeout int64, cancel uintptr, out, err *uintptr) int32 {
		return raw.Mtdb_migrator_status(m.handle, tenant, timeout, cancel, out, err)
	})
	list, err := Collect(rows, err, func(r *Rows) (Standing, error) {
		return Standing{r.Text(0), r.Text(1), r.Text(2), r.Text(3), r.Int64(4), r.Text(5), r.Text(6), r.Text(7)}, nil
	})
	if err != nil || len(list) == 0 {
		return Standing{}, err
	}
	return list[0], nil
}

// Entry is a row of a tenant's history, or a script that is not applied.
type Entry struct {
	Category, Version, Description, Type, Script, State string
	Rank, Checksum                                      int64
	InstalledOn, InstalledBy                            string
	ExecutionMS                                         int64
	Undoable                                            bool
}

// Info is the whole picture of the context's tenant, in Flyway's order.
func (m *Migrator) Info(ctx context.Context, target string) ([]Entry, error) {
	rows, err := m.rows(ctx, func(tenant string, timeout int64, cancel uintptr, out, err *uintptr) int32 {
		return raw.Mtdb_migrator_info(m.handle, tenant, target, timeout, cancel, out, err)
	})
	return Collect(rows, err, func(r *Rows) (Entry, error) {
		return Entry{r.Text(0), r.Text(1), r.Text(2), r.Text(3), r.Text(4), r.Text(5), r.Int64(6), r.Int64(7), r.Text(8),
			r.Text(9), r.Int64(10), r.Int64(11) != 0}, nil
	})
}

// Problem is a difference between a tenant's history and the scripts.
type Problem struct {
	Code, Version, Description, Script, Message, Repair string
}

// Validate compares the history of the context's tenant with the scripts; no problem: all is well.
func (m *Migrator) Validate(ctx context.Context) ([]Problem, error) {
	rows, err := m.rows(ctx, func(tenant string, timeout int64, cancel uintptr, out, err *uintptr) int32 {
		return raw.Mtdb_migrator_validate(m.handle, tenant, timeout, cancel, out, err)
	})
	return Collect(rows, err, func(r *Rows) (Problem, error) {
		return Problem{r.Text(0), r.Text(1), r.Text(2), r.Text(3), r.Text(4), r.Text(5)}, nil
	})
}

// Change is one change of a repair.
type Change struct {
	Action, Version, Description, Script, Detail string
}

// Repair puts the history of the context's tenant right, or with apply false only tells what it would change.
func (m *Migrator) Repair(ctx context.Context, apply bool) ([]Change, error) {
	flag := int32(0)
	if apply {
		flag = 1
	}
	rows, err := m.rows(ctx, func(tenant string, timeout int64, cancel uintptr, out, err *uintptr) int32 {
		return raw.Mtdb_migrator_repair(m.handle, tenant, flag, timeout, cancel, out, err)
	})
	return Collect(rows, err, func(r *Rows) (Change, error) {
		return Change{r.Text(0), r.Text(1), r.Text(2), r.Text(3), r.Text(4)}, nil
	})
}

// Baseline says that the context's tenant, which has no history, stands at a version; empty texts take the options'.
func (m *Migrator) Baseline(ctx context.Context, version, description string) error {
	return m.call(ctx, func(tenant string, timeout int64, cancel uintptr, err *uintptr) int32 {
		return raw.Mtdb_migrator_baseline(m.handle, tenant, version, description, timeout, cancel, err)
	})
}

// Force sets the version of golang-migrate's history, not dirty, whatever it is now; [Empty] for none.
func (m *Migrator) Force(ctx context.Context, version string) error {
	return m.call(ctx, func(tenant string, timeout int64, cancel uintptr, err *uintptr) int32 {
		return raw.Mtdb_migrator_force(m.handle, tenant, version, timeout, cancel, err)
	})
}

// Drop drops all that is in the context's tenant, the history too; the tenant itself stays. It needs
// [WithMigrateDrop]("allow").
func (m *Migrator) Drop(ctx context.Context) (dropped int64, err error) {
	err = m.call(ctx, func(tenant string, timeout int64, cancel uintptr, err *uintptr) int32 {
		return raw.Mtdb_migrator_drop(m.handle, tenant, timeout, cancel, &dropped, err)
	})
	return dropped, err
}

// Outcome is what became of one tenant of a run.
type Outcome struct {
	Tenant, Version, State string
	Applied                int64
	Err                    error // nil: it went well
}

// Run runs one verb ("migrate", "undo", "status", "validate") over the tenants of a list, nil for all, and goes on
// after a failure. A resolver is asked for all of them before anything is done. Options are of scope "run":
// [WithRunWorkers]. The outcomes are in the order of the list.
func (m *Migrator) Run(ctx context.Context, verb, target string, tenants []string, options ...Option) ([]Outcome,
	error) {
	list, err := listOf(tenants)
	if err != nil {
		return nil, err
	}
	defer runtime.KeepAlive(m)
	run := func(options uintptr) func(timeout int64, cancel uintptr, out, err *uintptr) int32 {
		return func(timeout int64, cancel uintptr, out, err *uintptr) int32 {
			if _, limited := ctx.Deadline(); !limited {
				timeout = int64(raw.MTDB_FOREVER)
			}
			return raw.Mtdb_migrator_run(m.handle, verb, target, list, options, timeout, cancel, out, err)
		}
	}
	var rows *Rows
	err = withOptions(options, func(handle uintptr) (err error) {
		rows, err = m.db.resultThat(ctx, endsNothing, m.db.resolveAll, run(handle))
		return err
	})
	return Collect(rows, err, func(r *Rows) (Outcome, error) {
		return Outcome{r.Text(0), r.Text(3), r.Text(4), r.Int64(2), errorOf(r.Int64(1), r.Text(6), r.Text(5))}, nil
	})
}

// listOf is a list of ids as the library takes it: nil for all, empty for none.
func listOf(tenants []string) ([]byte, error) {
	if tenants == nil {
		return nil, nil
	}
	list := []byte{}
	for _, tenant := range tenants {
		if tenant == "" || strings.ContainsAny(tenant, "\r\n") {
			return nil, invalid("%q is no tenant id", tenant)
		}
		list = append(append(list, tenant...), '\n')
	}
	return list, nil
}

// errorOf is the error of a row that has one: its status, its JSON and its message.
func errorOf(status int64, text, message string) error {
	if status >= 0 {
		return nil
	}
	failed := &Error{Message: message, SQLState: "HY000", Engine: "mtdb", Effect: EffectUnknown}
	_ = json.Unmarshal([]byte(text), failed)
	failed.Code = Code(status)
	return classed(failed)
}
