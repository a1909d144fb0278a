// SPDX-License-Identifier: MIT

package mtdb_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	mtdb "github.com/mtdb/mtdb/bindings/go"
)

// endless runs until it is cancelled, in each database's own words.
var endless = map[string]string{
	"sqlite":   "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT count(*) FROM c",
	"postgres": "SELECT pg_sleep(60)",
	"mysql":    "SELECT SLEEP(60)",
}

func TestCancelsAtRandomMomentsNeverTouchTheNextCall(t *testing.T) {
	counts := map[string]int{"sqlite": scaled(10_000), "postgres": scaled(1_000), "mysql": scaled(1_000)}
	onBackends(t, func(t *testing.T, b backend) {
		db := open(t, b.url)
		pool := db.SQL()
		defer pool.Close()
		base, _ := newTenant(t, db)
		var left atomic.Int64
		left.Store(int64(counts[b.name]))
		var group sync.WaitGroup
		for worker := range 4 {
			group.Go(func() {
				for n := left.Add(-1); n >= 0; n = left.Add(-1) {
					cancelOnce(t, b, db, pool, base, worker, int(n))
				}
			})
		}
		group.Wait()
		figures, err := db.Stats()
		if err != nil || figures["leases.now"].Value != 0 || figures["leases.abandoned"].Value != 0 {
			t.Error(figures["leases.now"], figures["leases.abandoned"], err)
		}
	})
}

// cancelOnce ends one endless statement at a random moment, by cancel or by deadline, then the next call gets its rows.
func cancelOnce(t *testing.T, b backend, db *mtdb.DB, pool *sql.DB, base context.Context, worker, n int) {
	var ctx context.Context
	var cancel context.CancelFunc
	pause, want := time.Duration(rand.IntN(1500))*time.Microsecond, context.Canceled
	if n%2 == 0 {
		ctx, cancel = context.WithTimeout(base, pause)
		want = context.DeadlineExceeded
	} else {
		ctx, cancel = context.WithCancel(base)
		time.AfterFunc(pause, cancel)
	}
	defer cancel()
	var err error
	if worker%2 == 0 {
		var rows *mtdb.Rows
		if rows, err = db.Query(ctx, endless[b.name]); err == nil {
			for rows.Next() {
			}
			err = errors.Join(rows.Err(), rows.Close())
		}
	} else {
		var count int64
		err = pool.QueryRowContext(ctx, endless[b.name]).Scan(&count)
	}
	var failed *mtdb.Error
	if !errors.Is(err, want) || errors.As(err, &failed) && failed.Code != mtdb.CodeTimeout &&
		failed.Code != mtdb.CodeCancelled && failed.Code != mtdb.CodePoolExhausted {
		t.Errorf("ended with %v, not %v; %#v %v", err, want, failed, ctx.Err())
	}
	var next int
	if err := pool.QueryRowContext(base, b.place("SELECT "+fmt.Sprint(n))).Scan(&next); err != nil || next != n {
		t.Errorf("the next call got %d (%v), not %d", next, err, n)
	}
}

func TestAbandonedLeasesAreGivenBackAndReported(t *testing.T) {
	const abandoned = 1000
	db := open(t, folder(t), mtdb.WithEventsQueue(8192), mtdb.WithPoolSizeMax(1000))
	ctx, tenant := newTenant(t, db)
	for range abandoned / 50 {
		func() {
			for i := range 50 {
				conn, err := db.Acquire(ctx, mtdb.WithLeaseTag("abandoned on purpose"))
				must(t, err)
				if i%2 == 0 {
					_, err = conn.Query(ctx, "SELECT 1 UNION ALL SELECT 2")
					must(t, err)
				}
			}
		}()
		runtime.GC()
	}
	deadline := time.Now().Add(30 * time.Second)
	for {
		runtime.GC()
		figures, err := db.Stats()
		must(t, err)
		if figures["leases.abandoned"].Value == abandoned && figures["leases.now"].Value == 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("abandoned %v, out %v", figures["leases.abandoned"], figures["leases.now"])
		}
		time.Sleep(10 * time.Millisecond)
	}
	events, err := db.PollEvents()
	must(t, err)
	reported := 0
	for _, event := range events {
		if event.Name == "lease.abandoned" && event.Tenant == tenant &&
			strings.Contains(event.Message, "abandoned on purpose") {
			reported++
		}
	}
	if reported != abandoned {
		t.Errorf("%d reported", reported)
	}
}

func TestAbandonedRowsGiveTheirLeaseBack(t *testing.T) {
	db := open(t, folder(t))
	pool := db.SQL()
	ctx, _ := newTenant(t, db)
	const many = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 100000) SELECT n FROM c"
	for range 20 {
		func() {
			rows, err := db.Query(ctx, many)
			must(t, err)
			rows.Next()
			standard, err := pool.QueryContext(ctx, many) //nolint:sqlclosecheck // abandoned on purpose
			must(t, err)
			standard.Next()
		}()
		runtime.GC()
		runtime.GC()
	}
	deadline := time.Now().Add(30 * time.Second)
	for figures, err := db.Stats(); figures["leases.now"].Value != 0 || err != nil; figures, err = db.Stats() {
		if time.Now().After(deadline) {
			t.Fatal(figures["leases.now"], err)
		}
		runtime.GC()
		time.Sleep(10 * time.Millisecond)
	}
}

func TestAProcessThatExitsWithOpenHandlesEndsWell(t *testing.T) {
	if os.Getenv("MTDB_GO_EXIT") != "" {
		db, err := mtdb.Open(os.Getenv("MTDB_GO_EXIT"), mtdb.WithTenantCreate("on_first_use"))
		must(t, err)
		ctx := mtdb.WithTenant(context.Background(), "a")
		conn, err := db.Acquire(ctx)
		must(t, err)
		_, err = conn.Begin(ctx)
		must(t, err)
		_, err = db.Query(ctx, endless["sqlite"][:len(endless["sqlite"])-len("count(*) FROM c")]+"n FROM c")
		must(t, err)
		go func() { _, _ = db.Query(ctx, endless["sqlite"]) }()
		time.Sleep(50 * time.Millisecond)
		os.Exit(7)
	}
	command := exec.Command(os.Args[0], "-test.run", t.Name())
	command.Env = append(os.Environ(), "MTDB_GO_EXIT="+folder(t))
	out, err := command.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 7 {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestAResolverTellsWhereTenantsLive(t *testing.T) {
	var asked atomic.Int64
	path := folder(t)
	none := errors.New("not in the directory")
	db, err := mtdb.OpenWithResolver(path, func(_ context.Context, tenant string) (string, error) {
		asked.Add(1)
		if tenant == "ghost" {
			return "", none
		}
		if tenant == "bad" {
			panic("a mistake")
		}
		return "elsewhere_" + tenant + ".db", nil
	}, mtdb.WithTenantCreate("on_first_use"))
	must(t, err)
	defer db.Close()
	ctx := mtdb.WithTenant(context.Background(), "acme")
	var group sync.WaitGroup
	for range 50 {
		group.Go(func() { _, err := db.Exec(ctx, "SELECT 1"); must2(t, err) })
	}
	group.Wait()
	if _, err := os.Stat(path + "/elsewhere_acme.db"); err != nil || asked.Load() != 1 {
		t.Errorf("asked %d times, %v", asked.Load(), err)
	}
	_, err = db.Exec(mtdb.WithTenant(ctx, "ghost"), "SELECT 1")
	if !errors.Is(err, none) {
		t.Errorf("refused: %v", err)
	}
	if _, err = db.Exec(mtdb.WithTenant(ctx, "ghost"), "SELECT 1"); !errors.Is(err, mtdb.ErrTenantUnknown) {
		t.Errorf("refused before: %v", err)
	}
	if _, err = db.Exec(mtdb.WithTenant(ctx, "bad"), "SELECT 1"); err == nil || !strings.Contains(err.Error(), "mistake") {
		t.Errorf("panicked: %v", err)
	}
}

func scripts() []mtdb.Script {
	return []mtdb.Script{
		{Version: "1", Description: "one", Up: "CREATE TABLE one (id INTEGER)", Down: "DROP TABLE one"},
		{Version: "2", Description: "two", Up: "CREATE TABLE two (id INTEGER)", Down: "DROP TABLE two"},
	}
}

func TestAMigratorsVerbs(t *testing.T) {
	onBackends(t, func(t *testing.T, b backend) {
		db := open(t, b.url)
		ctx, tenant := newTenant(t, db)
		m, err := db.Migrator(mtdb.WithMigrateDrop("allow"))
		must(t, err)
		must(t, m.Add(scripts()...))
		plan, err := m.Plan(ctx, mtdb.Latest)
		if err != nil || len(plan) != 2 || plan[0].State != "pending" {
			t.Error(plan, err)
		}
		if n, err := m.Migrate(ctx, "1"); n != 1 || err != nil {
			t.Error(n, err)
		}
		standing, err := m.Status(ctx)
		if err != nil || standing.Current != "1" || standing.State != "outdated" || standing.Tenant != tenant {
			t.Error(standing, err)
		}
		outcomes, err := m.Run(ctx, "migrate", mtdb.Latest, []string{tenant, "nobody_here"}, mtdb.WithRunWorkers(2))
		if err != nil || len(outcomes) != 2 || outcomes[0].Applied != 1 || outcomes[0].Err != nil ||
			!errors.Is(outcomes[1].Err, mtdb.ErrTenantUnknown) {
			t.Error(outcomes, err)
		}
		problems, err := m.Validate(ctx)
		if err != nil || len(problems) != 0 {
			t.Error(problems, err)
		}
		info, err := m.Info(ctx, "")
		if err != nil || len(info) != 2 || info[1].State != "success" {
			t.Error(info, err)
		}
		if n, err := m.Undo(ctx, mtdb.Empty); n != 2 || err != nil {
			t.Error(n, err)
		}
		changes, err := m.Repair(ctx, true)
		must(t, err)
		_ = changes
		n, err := m.Drop(ctx)
		if err != nil || n == 0 {
			t.Error(n, err)
		}
		must(t, m.Baseline(ctx, "1", "from here"))
		if err := m.Force(ctx, "1"); !errors.Is(err, mtdb.ErrUnsupported) {
			t.Errorf("force: %v", err)
		}
	})
}

func TestAFailingScriptIsAMigrationError(t *testing.T) {
	db := open(t, folder(t))
	ctx, tenant := newTenant(t, db)
	m, err := db.Migrator()
	must(t, err)
	must(t, m.Add(mtdb.Script{Version: "1", Description: "bad", Up: "CREATE TABLE a (x);\nSELEKT 1"}))
	_, err = m.Migrate(ctx, "")
	var migration *mtdb.MigrationError
	var failed *mtdb.Error
	if !errors.As(err, &migration) || !errors.As(err, &failed) || failed.Line != 2 || failed.Tenant != tenant ||
		failed.Script == "" || !errors.Is(err, mtdb.CodeMigrationFailed) {
		t.Errorf("%#v", err)
	}
	must(t, m.Enable())
	db2 := open(t, folder(t), mtdb.WithTenantCreate("on_first_use"))
	check, err := db2.Migrator(mtdb.WithMigrateMode("check"))
	must(t, err)
	must(t, check.Add(scripts()...))
	must(t, check.Enable())
	if _, err := db2.Exec(mtdb.WithTenant(ctx, "new"), "SELECT 1"); !errors.Is(err, mtdb.ErrTenantVersion) {
		t.Errorf("check: %v", err)
	}
}

func TestAFleetRunAsksForVerdicts(t *testing.T) {
	db := open(t, folder(t))
	var list []string
	for i := range 10 {
		id := fmt.Sprint("fleet", i)
		must(t, db.CreateTenant(context.Background(), id))
		list = append(list, id)
	}
	m, err := db.Migrator()
	must(t, err)
	must(t, m.Add(scripts()...))
	f, err := db.Fleet(m, mtdb.WithFleetCanary("1"), mtdb.WithFleetWaves("3"), mtdb.WithFleetVerdict(true))
	must(t, err)
	must(t, f.Add(list...))
	verdicts := 0
	f.Verdict(func(p mtdb.Progress) bool { verdicts++; return p.Failed == 0 })
	failed, err := f.Run(context.Background())
	if failed != 0 || err != nil || verdicts != 3 {
		t.Error(failed, err, verdicts)
	}
	progress, err := f.Progress()
	if err != nil || progress.State != "done" || progress.Done != 10 {
		t.Error(progress, err)
	}
	results, err := f.Results()
	if err != nil || len(results) != 10 || results[9].Tenant != "fleet9" || results[9].Applied != 2 {
		t.Error(results, err)
	}
}

func TestAQuiesceFlagPausesAndResumes(t *testing.T) {
	db := open(t, folder(t))
	ctx, _ := newTenant(t, db)
	q, err := db.Quiesce(mtdb.WithQuiesceStore("sqlite:"+folder(t)+"/flags.db"),
		mtdb.WithQuiesceRefresh(20*time.Millisecond), mtdb.WithQuiesceAnnounce(time.Second))
	must(t, err)
	must(t, q.Create(ctx))
	must(t, q.Enable(ctx))
	_, err = db.Exec(ctx, "SELECT 1")
	must(t, err)
	flag, err := q.Set(ctx, "global", mtdb.FlagRequest{By: "a test", Reason: "to see", TTL: time.Minute})
	if err != nil || len(flag.Token) != 32 || flag.Granted != time.Minute {
		t.Fatal(flag, err)
	}
	if _, err := q.Set(ctx, "global", mtdb.FlagRequest{}); !errors.Is(err, mtdb.ErrExists) {
		t.Errorf("again: %v", err)
	}
	waiting, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	parked, err := q.WaitParked(waiting, "global")
	if err != nil || len(parked) != 1 || parked[0].PID != int64(os.Getpid()) {
		t.Error(parked, err)
	}
	_, err = db.Exec(ctx, "SELECT 1")
	var failed *mtdb.Error
	if !errors.Is(err, mtdb.ErrTenantHeld) || !errors.As(err, &failed) {
		t.Fatalf("held: %v", err)
	}
	if after, ok := failed.RetryAfter(); !ok || after == 0 {
		t.Error("no time to retry after")
	}
	flags, err := q.Flags(ctx, "")
	if err != nil || len(flags) != 1 || flags[0].By != "a test" || flags[0].Owner != "self" || flags[0].SetAt.IsZero() {
		t.Error(flags, err)
	}
	_, err = q.Renew(ctx, "global", "", time.Minute)
	must(t, err)
	must(t, q.Clear(ctx, "global", "a test", flag.Token, false))
	stamp, state, changed, err := q.Watch(ctx, "global", 0)
	if stamp == 0 || state != "cleared" || !changed || err != nil {
		t.Error(stamp, state, changed, err)
	}
	must(t, q.Close())
}

func TestAHeldTenantWaitsOrRefuses(t *testing.T) {
	db := open(t, folder(t))
	ctx, tenant := newTenant(t, db)
	must(t, db.HoldTenant(ctx, tenant, mtdb.HoldRefuse))
	if _, err := db.Exec(ctx, "SELECT 1"); !errors.Is(err, mtdb.ErrTenantHeld) {
		t.Errorf("refused: %v", err)
	}
	must(t, db.ResumeTenant(tenant))
	let := make(chan error, 1)
	must(t, db.WhileHeld(ctx, tenant, mtdb.HoldWait, func() error {
		go func() { _, err := db.Exec(ctx, "SELECT 1"); let <- err }()
		select {
		case err := <-let:
			t.Errorf("let in: %v", err)
		case <-time.After(50 * time.Millisecond):
		}
		return nil
	}))
	must(t, <-let)
}

func TestEventsComeAsTheyHappenAndGoToALog(t *testing.T) {
	db := open(t, folder(t))
	var out bytes.Buffer
	done := make(chan error)
	go func() { done <- db.LogEvents(context.Background(), slog.New(slog.NewTextHandler(&out, nil))) }()
	must(t, db.CreateTenant(context.Background(), "acme"))
	must(t, db.DropTenant(context.Background(), "acme"))
	must(t, db.Close())
	must(t, <-done)
	text := out.String()
	if !strings.Contains(text, "event=tenant.created") || !strings.Contains(text, "tenant=acme") ||
		!strings.Contains(text, "event=tenant.dropped") {
		t.Error(text)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for range open(t, folder(t)).Events(ctx) {
		t.Error("an event of nothing")
	}
}

func TestOptionsAreTheLibrarysOwn(t *testing.T) {
	text, err := os.ReadFile("option_list.go")
	must(t, err)
	for _, option := range mtdb.Options() {
		if !strings.Contains(string(text), `Option{"`+strings.TrimSuffix(option.Key, "<id>")+`"`) {
			t.Errorf("option %s has no function: go generate", option.Key)
		}
	}
	if n := strings.Count(string(text), "\nfunc With"); n != len(mtdb.Options()) {
		t.Errorf("%d functions for %d options: go generate", n, len(mtdb.Options()))
	}
	if _, err := mtdb.Open(folder(t), mtdb.WithPoolSizeMax(0)); !errors.Is(err, mtdb.ErrInvalid) {
		t.Errorf("out of range: %v", err)
	}
}

func TestShutdownInterruptsWhatRuns(t *testing.T) {
	db := open(t, folder(t))
	ctx, _ := newTenant(t, db)
	conn, err := db.Acquire(ctx)
	must(t, err)
	ended := make(chan error)
	began := make(chan struct{})
	go func() {
		close(began)
		_, err := conn.Exec(ctx, endless["sqlite"])
		ended <- err
	}()
	<-began
	now, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	forced, err := db.Shutdown(now)
	if forced != 1 || err != nil {
		t.Error(forced, err)
	}
	if err := <-ended; !errors.Is(err, context.Canceled) && !errors.Is(err, mtdb.CodeClosed) {
		t.Errorf("running: %v", err)
	}
	if _, err := db.Exec(ctx, "SELECT 1"); !errors.Is(err, sql.ErrConnDone) {
		t.Errorf("afterwards: %v", err)
	}
	must(t, conn.Close())
	must(t, db.Close())
}

func TestTheDriverContractOverALease(t *testing.T) {
	db := open(t, folder(t))
	ctx, _ := newTenant(t, db)
	must(t, db.With(ctx, func(conn *mtdb.Conn) error {
		d, err := conn.Driver(ctx, mtdb.WithDriverTable("versions"))
		must(t, err)
		defer d.Close()
		must(t, d.Lock(ctx))
		must(t, d.Run(ctx, "CREATE TABLE t (id)"))
		must(t, d.SetVersion(ctx, 3, true))
		version, dirty, err := d.Version(ctx)
		if version != 3 || !dirty || err != nil {
			t.Error(version, dirty, err)
		}
		return d.Unlock()
	}))
	pools, err := db.Pools()
	if err != nil || !slices.ContainsFunc(pools, func(p mtdb.Pool) bool { return p.Open > 0 }) {
		t.Error(pools, err)
	}
}
