// SPDX-License-Identifier: MIT
// Usage: driver BACKEND URL|VARIABLE [PART]: sqlite, postgres/schema or mariadb; servers under
// tests/servers/run. golang-migrate's acceptance order for database drivers, in both of its forms,
// and what that suite does not look at: other lockers, failing texts, what is really there. "driver
// hold URL" is the other process of a claim.
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <vector>

#include "harness.hpp"

using namespace harness;

namespace {

using Driver = std::unique_ptr<mtdb_driver, Release<mtdb_driver_release>>;

std::string backend, base_url, only;
int grounds = 0;

int64_t size_of(std::string_view text) { return static_cast<int64_t>(text.size()); }
bool contains(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}
bool on_sqlite() { return backend == "sqlite"; }
bool on_postgres() { return backend.starts_with("postgres"); }
bool on_mysql() { return backend == "mariadb"; }

template <class T>
void same(const T& wanted, const T& got, Place at = Place::here()) {
    if constexpr (std::is_same_v<T, std::string>)
        check(wanted == got, "wanted '" + wanted + "', got '" + got + "'", at);
    else
        check(wanted == got, "wanted " + std::to_string(wanted) + ", got " + std::to_string(got),
              at);
}

// An empty database or schema of its own: a tenant for a db, a url for drivers.
class Ground {
public:
    Ground() : id("drv" + std::to_string(getpid()) + "_" + std::to_string(++grounds)) {
        db = open_db(on_sqlite() ? "sqlite:" + folder_.path() : base_url);
        must(create(db.get(), id));
    }
    Ground(const Ground&) = delete;
    ~Ground() {
        ask([&](mtdb_error** err) {
            return mtdb_tenant_drop(db.get(), id.data(), size_of(id), plenty_ms, nullptr, err);
        });
        close_db(db.get());
    }
    // `keys`: "x-a=b&x-c=d"
    std::string url(const std::string& keys = {}) const {
        if (on_sqlite()) return "sqlite3://" + file() + (keys.empty() ? "" : "?" + keys);
        if (on_postgres())
            return base_url + "&search_path=" + id + (keys.empty() ? "" : "&" + keys);
        const std::size_t slash = base_url.find('/', base_url.find("//") + 2);
        return base_url.substr(0, slash + 1) + id + base_url.substr(slash + 1) +
               (keys.empty() ? "" : "&" + keys);
    }
    std::string file() const { return folder_.path() + "/" + id + ".db"; }
    std::string folder() const { return folder_.path(); }
    int64_t number(const std::string& sql) const { return int_in(db.get(), id, sql); }
    std::string text(const std::string& sql) const { return text_in(db.get(), id, sql); }
    // How many tables and views have these names.
    int64_t relations(const std::string& names) const {
        return number(
            on_sqlite() ? "SELECT count(*) FROM sqlite_master WHERE name IN (" + names + ")"
                        : "SELECT count(*) FROM information_schema.tables WHERE table_schema = '" +
                              id + "' AND table_name IN (" + names + ")");
    }

    const std::string id;
    Db db;

private:
    Folder folder_;
};

Answer open(const std::string& url, Driver& out, Settings settings = {},
            int64_t timeout_ms = plenty_ms) {
    const Options options = options_of(settings);
    mtdb_driver* made = nullptr;
    const Answer answer = ask([&](mtdb_error** err) {
        return mtdb_driver_open(url.data(), size_of(url), options.get(), timeout_ms, nullptr, &made,
                                err);
    });
    out.reset(made);
    return answer;
}
Driver opened(const std::string& url, Settings settings = {}, Place at = Place::here()) {
    Driver driver;
    must(open(url, driver, settings), at);
    return driver;
}
Driver of_conn(mtdb_conn* conn) {
    mtdb_driver* made = nullptr;
    ok([&](mtdb_error** err) {
        return mtdb_driver_from_conn(conn, nullptr, plenty_ms, nullptr, &made, err);
    });
    return Driver(made);
}
Answer lock(const Driver& driver, int64_t timeout_ms = plenty_ms, mtdb_cancel* cancel = nullptr) {
    return ask(
        [&](mtdb_error** err) { return mtdb_driver_lock(driver.get(), timeout_ms, cancel, err); });
}
Answer unlock(const Driver& driver) {
    return ask([&](mtdb_error** err) { return mtdb_driver_unlock(driver.get(), err); });
}
Answer close(const Driver& driver) {
    return ask([&](mtdb_error** err) { return mtdb_driver_close(driver.get(), err); });
}
Answer run(const Driver& driver, const std::string& text, int64_t timeout_ms = plenty_ms) {
    return ask([&](mtdb_error** err) {
        return mtdb_driver_run(driver.get(), text.data(), size_of(text), timeout_ms, nullptr, err);
    });
}
Answer set_version(const Driver& driver, int64_t version, bool dirty) {
    return ask([&](mtdb_error** err) {
        return mtdb_driver_set_version(driver.get(), version, dirty ? 1 : 0, plenty_ms, nullptr,
                                       err);
    });
}
Answer drop(const Driver& driver) {
    return ask(
        [&](mtdb_error** err) { return mtdb_driver_drop(driver.get(), plenty_ms, nullptr, err); });
}
// "7", "7 dirty".
std::string version(const Driver& driver) {
    int64_t number = 99;
    int32_t dirty = 99;
    ok([&](mtdb_error** err) {
        return mtdb_driver_version(driver.get(), plenty_ms, nullptr, &number, &dirty, err);
    });
    check(dirty == 0 || dirty == 1, "dirty is " + std::to_string(dirty));
    return std::to_string(number) + (dirty == 1 ? " dirty" : "");
}
void set_and_read(const Driver& driver, int64_t number, bool dirty, const std::string& wanted) {
    must(set_version(driver, number, dirty));
    same(wanted, version(driver));
}

// Where a failed text is wrong.
struct Failure {
    mtdb_status status;
    int64_t line, column, statement;
    std::string message, sqlstate;
    int32_t effect;
};
Failure failure(const Driver& driver, const std::string& text) {
    mtdb_error* err = nullptr;
    const mtdb_status status =
        mtdb_driver_run(driver.get(), text.data(), size_of(text), plenty_ms, nullptr, &err);
    char state[8] = {};
    int64_t needed = 0;
    mtdb_error_text(err, MTDB_ERROR_SQLSTATE, state, 7, &needed);
    const Failure seen{status,
                       mtdb_error_line(err),
                       mtdb_error_column(err),
                       mtdb_error_statement(err),
                       mtdb_error_message(err),
                       state,
                       mtdb_error_effect(err)};
    mtdb_error_release(err);
    return seen;
}

void claim(const std::string& name, const std::function<void(Ground&)>& body) {
    if (!contains(name, only)) return;
    test(backend + ": " + name, [&] {
        Ground ground;
        body(ground);
    });
}

// Another process that holds the lock until it is told, or ended.
class Holder {
public:
    explicit Holder(const std::string& url) {
        int in[2], out[2];
        check(pipe(in) == 0 && pipe(out) == 0, "no pipe");
        child_ = fork();
        if (child_ == 0) {
            dup2(in[0], 0);
            dup2(out[1], 1);
            for (const int each : {in[0], in[1], out[0], out[1]}) ::close(each);
            execl("/proc/self/exe", "driver", "hold", url.c_str(), static_cast<char*>(nullptr));
            _exit(127);
        }
        ::close(in[0]);
        ::close(out[1]);
        in_ = in[1];
        out_ = out[0];
        char word = 0;
        check(read(out_, &word, 1) == 1 && word == 'L', "the other process has no lock");
    }
    Holder(const Holder&) = delete;
    ~Holder() { end(0); }
    void end(int signal) {
        if (child_ <= 0) return;
        if (signal != 0) kill(child_, signal);
        ::close(in_);
        ::close(out_);
        waitpid(child_, nullptr, 0);
        child_ = 0;
    }

private:
    pid_t child_ = 0;
    int in_ = -1, out_ = -1;
};

int hold(const std::string& url) {
    const Driver driver = opened(url);
    must(lock(driver));
    char word = 'L';
    if (write(1, &word, 1) != 1) return 1;
    while (read(0, &word, 1) > 0) {
    }
    must(unlock(driver));
    return 0;
}

// ---- golang-migrate's own suite
// ---------------------------------------------------------------------

void nil_version(const Driver& driver) { same<std::string>("-1", version(driver)); }
void lock_and_unlock(const Driver& driver) {
    must(lock(driver));
    must_be(MTDB_MIGRATION_LOCKED, lock(driver));
    must(unlock(driver));
    must(lock(driver));
    must(unlock(driver));
}
std::string usual_text() { return on_sqlite() ? "CREATE TABLE t(id INTEGER)" : "SELECT 1"; }

void set_versions_v4(const Driver& driver) {
    set_and_read(driver, 1, true, "1 dirty");
    set_and_read(driver, 1, true, "1 dirty");
    set_and_read(driver, 2, false, "2");
    set_and_read(driver, 2, false, "2");
    set_and_read(driver, -1, true, "-1 dirty");
    set_and_read(driver, -1, false, "-1");
}
void set_versions_v3(const Driver& driver) {
    for (int i = 0; i < 2; ++i) set_and_read(driver, 1, true, "1 dirty");
    for (int i = 0; i < 2; ++i) set_and_read(driver, 2, false, "2");
}
void order_v4(const Driver& driver) {
    nil_version(driver);
    lock_and_unlock(driver);
    must(run(driver, usual_text()));
    set_versions_v4(driver);
    must(drop(driver));
}
void order_v3(const Driver& driver) {
    nil_version(driver);
    lock_and_unlock(driver);
    must(run(driver, usual_text()));
    must(drop(driver));
    set_versions_v3(driver);
}

void acceptance() {
    claim("the order of v4 passes", [](Ground& ground) { order_v4(opened(ground.url())); });
    claim("the order of v3 passes: Drop leaves a driver that keeps versions",
          [](Ground& ground) { order_v3(opened(ground.url())); });
    claim("both orders pass with mtdb+ in front, one after the other on one driver",
          [](Ground& ground) {
              const Driver driver = opened("mtdb+" + ground.url());
              order_v4(driver);
              order_v3(driver);
          });
    claim("both orders pass on a lease, which stays the program's", [](Ground& ground) {
        const Conn conn = lease(ground.db.get(), ground.id);
        {
            const Driver driver = of_conn(conn.get());
            order_v4(driver);
            order_v3(driver);
            must(close(driver));
            must_be(MTDB_CLOSED, lock(driver));
        }
        same<int64_t>(2, int_of(conn.get(), "SELECT version FROM schema_migrations"));
        must(give_back(conn.get()));
    });
    claim("an engine's way up and down works, and Drop within the lock", [](Ground& ground) {
        const Driver driver = opened(ground.url());
        must(lock(driver));
        must(set_version(driver, 1, true));
        must(run(driver, "CREATE TABLE pets(id INTEGER)"));
        must(set_version(driver, 1, false));
        must(unlock(driver));
        same<int64_t>(1, ground.relations("'pets'"));
        must(lock(driver));
        must(drop(driver));
        must(unlock(driver));
        same<int64_t>(0, ground.relations("'pets', 'schema_migrations'"));
        same<std::string>("-1", version(driver));
    });
}

// ---- locks
// ------------------------------------------------------------------------------------------

void locks() {
    claim("a second handle is kept out until the first gives the lock back", [](Ground& ground) {
        const Driver first = opened(ground.url()), second = opened(ground.url());
        must(lock(first));
        must_be(MTDB_MIGRATION_LOCKED, lock(second, 0));
        must_be(MTDB_MIGRATION_LOCKED, lock(second, 60));
        must(unlock(first));
        must(lock(second, 0));
        must_be(MTDB_MIGRATION_LOCKED, lock(first, 0));
        must(unlock(second));
    });
    claim("a waiting locker gets the lock when it is free", [](Ground& ground) {
        const Driver first = opened(ground.url()), second = opened(ground.url());
        must(lock(first));
        std::thread later([&] {
            sleep_ms(50);
            unlock(first);
        });
        const Answer got = lock(second);
        later.join();
        must(got);
    });
    claim("a lease's driver and a url's keep each other out", [](Ground& ground) {
        const Conn conn = lease(ground.db.get(), ground.id);
        const Driver lent = of_conn(conn.get()), own = opened(ground.url());
        must(lock(lent));
        must_be(MTDB_MIGRATION_LOCKED, lock(own, 0));
        must(unlock(lent));
        must(lock(own));
        must_be(MTDB_MIGRATION_LOCKED, lock(lent, 0));
    });
    claim("another process is kept out, and keeps out", [](Ground& ground) {
        opened(ground.url());
        Holder holder(ground.url());
        const Driver driver = opened(ground.url());
        must_be(MTDB_MIGRATION_LOCKED, lock(driver, 0));
        holder.end(0);
        must(lock(driver));
    });
    claim("the lock of a killed process is free", [](Ground& ground) {
        opened(ground.url());
        Holder holder(ground.url());
        const Driver driver = opened(ground.url());
        must_be(MTDB_MIGRATION_LOCKED, lock(driver, 0));
        holder.end(SIGKILL);
        must(lock(driver));
        must(run(driver, "CREATE TABLE after_all(id INTEGER)"));
        must(unlock(driver));
    });
    claim("a locked driver opens, reads and runs beside another one's lock", [](Ground& ground) {
        const Driver first = opened(ground.url());
        must(set_version(first, 7, false));
        must(lock(first));
        const Driver second = opened(ground.url(), {}, Place::here());
        same<std::string>("7", version(second));
    });
}

void ends_of_locks() {
    claim("closing gives the lock back, of a lease too, and releasing an own driver does",
          [](Ground& ground) {
              Driver driver = opened(ground.url());
              must(lock(driver));
              must(close(driver));
              must(close(driver));
              const Conn conn = lease(ground.db.get(), ground.id);
              const Driver lent = of_conn(conn.get());
              must(lock(lent, 0));
              must(close(lent));
              Driver third = opened(ground.url());
              must(lock(third, 0));
              third.reset();
              must(lock(opened(ground.url())));
          });
    claim("a lease that goes back with its driver's lock takes it along", [](Ground& ground) {
        const Conn conn = lease(ground.db.get(), ground.id);
        const Driver lent = of_conn(conn.get());
        must(lock(lent));
        must(give_back(conn.get()));
        // SQLite's lock is the driver's, not the connection's.
        if (on_sqlite()) must(close(lent));
        must(lock(opened(ground.url()), 0));
    });
    claim("Unlock without Lock is an error, and leaves the driver as it was", [](Ground& ground) {
        const Driver driver = opened(ground.url());
        const Answer answer = unlock(driver);
        must_be(MTDB_INVALID_STATE, answer);
        check(contains(answer.message, "not currently locked"), answer.message);
        must(lock(driver));
        must(unlock(driver));
        must_be(MTDB_INVALID_STATE, unlock(driver));
    });
    claim("a cancelled wait for the lock ends at once", [](Ground& ground) {
        const Driver first = opened(ground.url()), second = opened(ground.url());
        must(lock(first));
        const Cancel cancel = new_cancel();
        std::thread later([&] {
            sleep_ms(30);
            mtdb_cancel_trigger(cancel.get(), 0, nullptr);
        });
        const Answer answer = lock(second, MTDB_FOREVER, cancel.get());
        later.join();
        must_be(MTDB_CANCELLED, answer);
        must_be(MTDB_INVALID_STATE, unlock(second));
    });
}

void drivers_of_a_lease() {
    claim("two drivers on one lease keep each other out", [](Ground& ground) {
        const Conn conn = lease(ground.db.get(), ground.id);
        const Driver first = of_conn(conn.get()), second = of_conn(conn.get());
        must(lock(first, 0));
        must_be(MTDB_MIGRATION_LOCKED, lock(second, 0));
        must_be(MTDB_INVALID_STATE, unlock(second));
        must_be(MTDB_MIGRATION_LOCKED, lock(opened(ground.url()), 0));
        must(unlock(first));
        must(lock(second, 0));
        must(close(second));
        must(lock(opened(ground.url()), 0));
    });
    claim("a driver stays with the lease that it was given, though the handle goes to another tenant",
          [](Ground& ground) {
              const std::string other = ground.id + "_b";
              must(create(ground.db.get(), other));
              const Conn conn = lease(ground.db.get(), ground.id);
              const Driver driver = of_conn(conn.get());
              must(lock(driver, 0));
              ok([&](mtdb_error** err) {
                  return mtdb_conn_use(conn.get(), other.data(), size_of(other), plenty_ms, nullptr, err);
              });
              must_be(MTDB_CLOSED, run(driver, "CREATE TABLE astray(i INTEGER)"));
              must_be(MTDB_CLOSED, set_version(driver, 7, false));
              must(close(driver));
              must(lock(opened(ground.url()), 0));
              must(lock(of_conn(conn.get()), 0));
              must(give_back(conn.get()));
              must(ask([&](mtdb_error** err) {
                  return mtdb_tenant_drop(ground.db.get(), other.data(), size_of(other), plenty_ms, nullptr, err);
              }));
          });
}

void loose_locks() {
    claim("with x-no-lock nobody is kept out, and the driver still knows its state",
          [](Ground& ground) {
              const Driver first = opened(ground.url()),
                           loose = opened(ground.url("x-no-lock=true"));
              must(lock(first));
              must(lock(loose, 0));
              must_be(MTDB_MIGRATION_LOCKED, lock(loose));
              must(unlock(loose));
              must_be(MTDB_INVALID_STATE, unlock(loose));
          });
    claim("two places' locks do not meet", [](Ground& ground) {
        Ground other;
        const Driver first = opened(ground.url()), second = opened(other.url());
        must(lock(first));
        must(lock(second, 0));
    });
    claim("a driver is not bound to the thread that opened it", [](Ground& ground) {
        const Driver driver = opened(ground.url());
        Answer locked, unlocked;
        std::thread([&] { locked = lock(driver); }).join();
        std::thread([&] { unlocked = unlock(driver); }).join();
        must(locked);
        must(unlocked);
    });
    claim("thirty drivers opened at the same time all make one version table", [](Ground& ground) {
        std::vector<Answer> answers(30);
        std::vector<std::thread> threads;
        for (Answer& answer : answers)
            threads.emplace_back([&answer, url = ground.url()] {
                Driver driver;
                answer = open(url, driver);
            });
        for (std::thread& thread : threads) thread.join();
        for (const Answer& answer : answers) must(answer);
        same<int64_t>(0, ground.number("SELECT count(*) FROM schema_migrations"));
    });
}

// ---- texts and what they leave
// ----------------------------------------------------------------------

void texts() {
    claim("a text of several statements runs whole", [](Ground& ground) {
        const Driver driver = opened(ground.url());
        must(run(driver,
                 "CREATE TABLE a(id INTEGER);\nINSERT INTO a VALUES(1);\n-- last\nINSERT INTO a "
                 "VALUES(2);\n"));
        same<int64_t>(3, ground.number("SELECT CAST(sum(id) AS " +
                                       std::string(on_mysql() ? "SIGNED" : "BIGINT") + ") FROM a"));
        for (const char* blank : {"", " \n\t", ";", "-- nothing\n"}) must(run(driver, blank));
    });
    claim("a failing text leaves what the backend promises", [](Ground& ground) {
        const Driver driver = opened(ground.url());
        const Failure seen = failure(driver,
                                     "CREATE TABLE a(id INTEGER);\nCREATE TABLE b(id "
                                     "INTEGER);\nCREATE TABLEE c(id INTEGER)");
        same<int64_t>(MTDB_MIGRATION_FAILED, seen.status);
        same<int64_t>(on_mysql() ? 2 : 0, ground.relations("'a', 'b', 'c'"));
        same<int64_t>(on_mysql() ? MTDB_EFFECT_COMMITTED : MTDB_EFFECT_ROLLED_BACK, seen.effect);
        same<int64_t>(3, seen.line);
        check(
            seen.message.starts_with("migration failed: ") && seen.message.ends_with(" in line 3"),
            seen.message);
        must(run(driver, "CREATE TABLE c(id INTEGER)"));
    });
    claim("a failing text with a transaction of its own does not leave the session in it",
          [](Ground& ground) {
              const Driver driver = opened(ground.url(on_sqlite() ? "x-no-tx-wrap=true" : ""));
              must(run(driver, "CREATE TABLE a(id INTEGER)"));
              must(lock(driver));
              same<int64_t>(
                  MTDB_MIGRATION_FAILED,
                  failure(driver, "BEGIN; INSERT INTO a VALUES(1); SELECT nothing_like_it; COMMIT")
                      .status);
              must(unlock(driver));
              same<int64_t>(0, ground.number("SELECT count(*) FROM a"));
              same<std::string>("-1", version(driver));
              must(set_version(driver, 1, true));
              must(run(driver, "BEGIN; INSERT INTO a VALUES(1); COMMIT"));
              same<int64_t>(1, ground.number("SELECT count(*) FROM a"));
          });
    claim("a text that ends within its own transaction fails, and is undone", [](Ground& ground) {
        const Driver driver = opened(ground.url(on_sqlite() ? "x-no-tx-wrap=true" : ""));
        must(run(driver, "CREATE TABLE a(id INTEGER)"));
        same<int64_t>(MTDB_MIGRATION_FAILED,
                      failure(driver, "BEGIN; INSERT INTO a VALUES(1)").status);
        same<int64_t>(0, ground.number("SELECT count(*) FROM a"));
        must(set_version(driver, 1, false));
    });
}

void places() {
    claim("line and column are those of the failing place, whatever ends the lines",
          [](Ground& ground) {
              const Driver driver = opened(ground.url());
              const auto at = [&](const std::string& text, int64_t line, int64_t column) {
                  const Failure seen = failure(driver, text);
                  same<int64_t>(MTDB_MIGRATION_FAILED, seen.status);
                  same<int64_t>(line, seen.line);
                  // MariaDB names a place only where it cannot read the text.
                  if (on_postgres()) same<int64_t>(column, seen.column);
                  if (on_postgres())
                      check(seen.message.ends_with(" (column " + std::to_string(column) +
                                                   ") in line " + std::to_string(line)),
                            seen.message);
              };
              const int64_t first = on_postgres() ? 2 : 1, third = on_postgres() ? 3 : 1;
              at("SELECT *\nFROM foo", first, 6);
              at("SELECT *\r\nFROM foo", first, 6);
              at("SELECT *\n\nFROM foo", third, 6);
              at("SELECT *\r\n\r\nFROM foo", third, 6);
              at("SELECT *\nFROM foo\nWHERE x", first, 6);
              at("SELECT *, 'M\u00fcller'\nFROM foo", first, 6);
              if (!on_sqlite()) at("SELECT *\nFROMM foo", 2, 1);
              at("SELECT 1;\nSELECT *\n FROM foo", on_postgres() ? 3 : 2, 7);
          });
    claim("a text that runs out of time is undone and says so", [](Ground& ground) {
        const Driver driver = opened(ground.url());
        must(run(driver, "CREATE TABLE a(id INTEGER)"));
        const std::string slow =
            on_postgres() ? "SELECT pg_sleep(60)"
            : on_mysql()  ? "SELECT SLEEP(60)"
                          : "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)"
                            " SELECT count(*) FROM n";
        must_be(MTDB_TIMEOUT, run(driver, slow, 50));
        must(run(driver, "INSERT INTO a VALUES(1)"));
        if (on_sqlite()) return;
        const Driver limited = opened(ground.url("x-statement-timeout=50"));
        must_be(MTDB_TIMEOUT, run(limited, slow));
    });
}

void texts_of_a_backend() {
    if (on_sqlite()) {
        claim("a text is one transaction, which it cannot end, unless x-no-tx-wrap is set",
              [](Ground& ground) {
                  const Driver wrapped = opened(ground.url()),
                               bare = opened(ground.url("x-no-tx-wrap=true"));
                  const std::string text = "BEGIN; CREATE TABLE a(id INTEGER); COMMIT";
                  same<int64_t>(MTDB_MIGRATION_FAILED, failure(wrapped, text).status);
                  same<int64_t>(0, ground.relations("'a'"));
                  must(run(bare, text));
                  same<int64_t>(1, ground.relations("'a'"));
                  order_v4(bare);
              });
    }
    if (on_postgres()) {
        claim("an index made concurrently stands alone, or in multi-statement mode",
              [](Ground& ground) {
                  const Driver driver = opened(ground.url()),
                               multi = opened(ground.url("x-multi-statement=true"));
                  must(run(driver, "CREATE TABLE a(id INTEGER)"));
                  must(run(driver, "CREATE INDEX CONCURRENTLY one ON a(id)"));
                  const std::string both =
                      "CREATE INDEX CONCURRENTLY two ON a(id); CREATE INDEX CONCURRENTLY three ON "
                      "a(id);";
                  same<int64_t>(MTDB_MIGRATION_FAILED, failure(driver, both).status);
                  same<int64_t>(
                      1, ground.number("SELECT count(*) FROM pg_indexes WHERE schemaname = '" +
                                       ground.id + "' AND tablename = 'a'"));
                  must(run(multi, both));
                  same<int64_t>(
                      3, ground.number("SELECT count(*) FROM pg_indexes WHERE schemaname = '" +
                                       ground.id + "' AND tablename = 'a'"));
              });
        claim("multi-statement mode cuts where statements end, and keeps those before a failure",
              [](Ground& ground) {
                  const Driver multi = opened(ground.url("x-multi-statement=true"));
                  must(run(multi,
                           "CREATE TABLE a(v TEXT); INSERT INTO a VALUES('x;y'); CREATE FUNCTION "
                           "f() RETURNS text AS"
                           " $$ BEGIN RETURN 'a;b'; END $$ LANGUAGE plpgsql;"));
                  same<std::string>("a;b", ground.text("SELECT f()"));
                  const Failure seen =
                      failure(multi, "INSERT INTO a VALUES('kept');\nSELECT nothing_like_it");
                  same<int64_t>(2, seen.line);
                  same<int64_t>(MTDB_EFFECT_COMMITTED, seen.effect);
                  same<int64_t>(2, ground.number("SELECT count(*) FROM a"));
                  const Driver small =
                      opened(ground.url("x-multi-statement=true&x-multi-statement-max-size=20"));
                  same<int64_t>(MTDB_MIGRATION_FAILED,
                                failure(small, "SELECT 1; SELECT 'longer than twenty'").status);
              });
        claim("golang-migrate's example of an error reads as there", [](Ground& ground) {
            const Failure seen = failure(
                opened(ground.url()), "CREATE TABLE foo (foo text); CREATE TABLEE bar (bar text);");
            same<std::string>(
                "migration failed: syntax error at or near \"TABLEE\" (column 37) in line 1",
                seen.message);
            same<std::string>("42601", seen.sqlstate);
        });
        claim("a text that changes the search path does not move the version", [](Ground& ground) {
            Ground other;
            const Driver driver = opened(ground.url());
            must(run(driver, "SET search_path TO " + other.id));
            set_and_read(driver, 3, false, "3");
            same<int64_t>(3, ground.number("SELECT version FROM schema_migrations"));
        });
    }
}

// ---- the version table
// ------------------------------------------------------------------------------

void tables() {
    claim("the version table is golang-migrate's", [](Ground& ground) {
        opened(ground.url());
        if (on_sqlite()) {
            same<std::string>(
                "version uint64,dirty bool",
                ground.text("SELECT group_concat(name || ' ' || type) FROM pragma_table_info("
                            "'schema_migrations')"));
            same<int64_t>(
                1, ground.number("SELECT count(*) FROM pragma_index_list('schema_migrations') WHERE"
                                 " name = 'version_unique' AND \"unique\" = 1"));
            return;
        }
        same<int64_t>(
            2, ground.number(
                   "SELECT count(*) FROM information_schema.columns WHERE table_schema = '" +
                   ground.id + "' AND table_name = 'schema_migrations' AND is_nullable = 'NO'"));
        same<std::string>(
            "bigint",
            ground.text("SELECT data_type FROM information_schema.columns WHERE table_schema = '" +
                        ground.id +
                        "' AND table_name = 'schema_migrations' AND column_name ="
                        " 'version'"));
    });
    claim("versions of the whole range are kept, and others refused", [](Ground& ground) {
        const Driver driver = opened(ground.url());
        for (const int64_t number : {int64_t{0}, int64_t{20240131235959}, INT64_MAX})
            set_and_read(driver, number, false, std::to_string(number));
        must_be(MTDB_INVALID_ARGUMENT, set_version(driver, -2, false));
        same(std::to_string(INT64_MAX), version(driver));
    });
    claim("a version that another program wrote is read, and one that is none is an error",
          [](Ground& ground) {
              const Driver driver = opened(ground.url());
              must(exec(ground.db.get(), ground.id,
                        "INSERT INTO schema_migrations(version, dirty) VALUES(5, " +
                            std::string(on_sqlite() ? "'true'" : "true") + ")"));
              same<std::string>("5 dirty", version(driver));
              must(exec(ground.db.get(), ground.id, "DROP TABLE schema_migrations"));
              same<std::string>("-1", version(driver));
              must(exec(ground.db.get(), ground.id, "CREATE TABLE schema_migrations(id INTEGER)"));
              int64_t number = 0;
              int32_t dirty = 0;
              must_be(MTDB_INVALID_STATE, ask([&](mtdb_error** err) {
                          return mtdb_driver_version(driver.get(), plenty_ms, nullptr, &number,
                                                     &dirty, err);
                      }));
          });
}

void names() {
    claim("two version tables of one place do not meet", [](Ground& ground) {
        const Driver one = opened(ground.url()),
                     two = opened(ground.url("x-migrations-table=other_migrations"));
        must(set_version(one, 1, false));
        must(set_version(two, 2, true));
        same<std::string>("1", version(one));
        same<std::string>("2 dirty", version(two));
        same<int64_t>(2, ground.number("SELECT version FROM other_migrations"));
    });
    claim("an unknown x- key is nothing to a driver, a bad value is", [](Ground& ground) {
        opened(ground.url("x-foobar=1"));
        Driver driver;
        const std::string key = on_sqlite()     ? "x-no-tx-wrap"
                                : on_postgres() ? "x-multi-statement"
                                                : "x-no-lock";
        const Answer answer = open(ground.url(key + "=maybe"), driver);
        must_be(MTDB_INVALID_ARGUMENT, answer);
        check(contains(answer.message, key), answer.message);
    });
    claim("options do what the url's keys do, and win over them", [](Ground& ground) {
        const Driver driver =
            opened(ground.url("x-migrations-table=of_url"), {{"driver.table", "of_options"}});
        same<int64_t>(1, ground.relations("'of_url', 'of_options'"));
        same<int64_t>(1, ground.relations("'of_options'"));
    });
}

void drops() {
    claim("Drop leaves nothing, and what is not there is no obstacle", [](Ground& ground) {
        const Driver driver = opened(ground.url());
        must(drop(driver));
        must(drop(driver));
        must(run(driver, "CREATE TABLE parent(id INTEGER PRIMARY KEY)"));
        must(run(driver,
                 "CREATE TABLE child(id INTEGER, p INTEGER, FOREIGN KEY (p) REFERENCES parent(id) "
                 "ON DELETE RESTRICT)"));
        must(run(driver, "INSERT INTO parent VALUES(1); INSERT INTO child VALUES(1, 1)"));
        must(run(driver, "CREATE VIEW seen AS SELECT id FROM child"));
        if (on_sqlite()) {
            must(run(driver,
                     "CREATE TABLE auto(id INTEGER PRIMARY KEY AUTOINCREMENT); INSERT INTO auto "
                     "DEFAULT VALUES;"
                     "CREATE VIRTUAL TABLE words USING fts5(w); CREATE TABLE \"od\"\"d\"(id)"));
        }
        if (on_postgres()) {
            must(run(driver,
                     "CREATE SEQUENCE s; CREATE TYPE mood AS ENUM('ok'); CREATE DOMAIN small AS "
                     "int; CREATE TABLE"
                     " \"Od\"\"d\"(m mood, i int GENERATED ALWAYS AS IDENTITY); CREATE FUNCTION "
                     "f(int) RETURNS int AS"
                     " 'SELECT 1' LANGUAGE sql; CREATE MATERIALIZED VIEW m AS SELECT 1 AS one"));
        }
        if (on_mysql()) {
            must(run(driver, "CREATE TABLE `o``d d`(id INTEGER); CREATE SEQUENCE sq;"));
            must(run(driver, "CREATE PROCEDURE p() SELECT 1"));
        }
        must(drop(driver));
        const std::string left =
            on_sqlite()  ? "SELECT count(*) FROM sqlite_master WHERE name NOT LIKE 'sqlite%'"
            : on_mysql() ? "SELECT (SELECT count(*) FROM information_schema.tables WHERE "
                           "table_schema = DATABASE()) +"
                           " (SELECT count(*) FROM information_schema.routines WHERE "
                           "routine_schema = DATABASE())"
                         : "SELECT (SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = "
                           "relnamespace WHERE nspname = '" +
                               ground.id +
                               "') + (SELECT count(*) FROM pg_type t JOIN pg_namespace n ON n.oid "
                               "= typnamespace"
                               " WHERE nspname = '" +
                               ground.id +
                               "') + (SELECT count(*) FROM pg_proc p JOIN"
                               " pg_namespace n ON n.oid = pronamespace WHERE nspname = '" +
                               ground.id + "')";
        same<int64_t>(0, ground.number(left));
        set_and_read(driver, 4, true, "4 dirty");
    });
}

void quoted_names() {
    if (on_postgres()) {
        claim("quoted table names may have a schema in front, and no more", [](Ground& ground) {
            Ground other;
            const auto quoted = [&](const std::string& name) {
                return ground.url("x-migrations-table-quoted=true&x-migrations-table=" + name);
            };
            const Driver one = opened(quoted("%22Mixed.Case%22"));
            const Driver two = opened(quoted("%22" + other.id + "%22.%22away%22"));
            must(set_version(one, 1, false));
            must(set_version(two, 2, false));
            same<int64_t>(1, ground.number("SELECT version FROM \"Mixed.Case\""));
            same<int64_t>(2, other.number("SELECT version FROM away"));
            Driver none;
            for (const char* bad : {"plain", "%22a%22.%22b%22.%22c%22", "%22a", "%22a%22b%22"})
                must_be(MTDB_INVALID_ARGUMENT, open(quoted(bad), none));
            const Driver dotted = opened(ground.url("x-migrations-table=a.b"));
            same<int64_t>(1, ground.relations("'a.b'"));
        });
        claim("a search path that leads nowhere is no schema", [](Ground& ground) {
            Driver none;
            std::string url = ground.url();
            const Answer answer =
                open(url.replace(url.find(ground.id), ground.id.size(), "nowhere_at_all"), none);
            must_be(MTDB_INVALID_STATE, answer);
            check(contains(answer.message, "no schema"), answer.message);
        });
    }
}

// ---- whose locks they are
// ---------------------------------------------------------------------------

uint32_t lock_id(std::string_view text) {
    uint32_t crc = ~uint32_t{0};
    for (const char c : text) {
        crc ^= static_cast<uint8_t>(c);
        for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0xEDB88320U : 0U);
    }
    return ~crc * 1486364155U;
}

void identities() {
    if (on_sqlite()) {
        claim("the lock is a file beside the database while it is held", [](Ground& ground) {
            const Driver driver = opened(ground.url());
            const std::string path = ground.folder() + "/." + ground.id + ".db.mtdb-lock";
            must(lock(driver));
            check(access(path.c_str(), F_OK) == 0, "no " + path);
            must(unlock(driver));
            check(access(path.c_str(), F_OK) != 0, path + " is left");
        });
        claim("a path with blanks and a file: path are opened, and in memory nothing is left",
              [](Ground& ground) {
                  must(set_version(opened("sqlite3://" + ground.folder() + "/a b.db"), 1, false));
                  must(set_version(opened("sqlite3://file:" + ground.folder() + "/c%20d.db"), 1,
                                   false));
                  check(access((ground.folder() + "/a b.db").c_str(), F_OK) == 0, "a b.db");
                  check(access((ground.folder() + "/c d.db").c_str(), F_OK) == 0, "c d.db");
                  order_v4(opened("sqlite://:memory:"));
                  Driver none;
                  must_be(MTDB_INVALID_ARGUMENT, open(ground.url("vfs=unix"), none));
              });
    }
}

void poolers() {
    if (!on_postgres()) return;
    claim(
        "behind a pooler in transaction mode the server's lock is refused, and a lock table "
        "does",
        [](Ground& ground) {
            opened(ground.url());
            const std::pair<const char*, std::string> pooler{"postgres.pooler", "transaction"};
            must_be(MTDB_UNSUPPORTED, lock(opened(ground.url(), {pooler})));
            const Driver driver = opened(ground.url(), {pooler, {"driver.lock", "table"}});
            must(lock(driver));
            const std::string text = "CREATE TABLE a(id INTEGER); INSERT INTO a VALUES(1)";
            same<int64_t>(MTDB_MIGRATION_FAILED,
                          failure(driver, text + "; SELECT nothing_like_it").status);
            same<int64_t>(0, ground.relations("'a'"));
            must(run(driver, text));
            set_and_read(driver, 1, false, "1");
            must(unlock(driver));
        });
}

void numbers() {
    if (on_postgres()) {
        claim(
            "the lock has golang-migrate's two numbers, and either of them keeps it out",
            [](Ground& ground) {
                const Driver driver = opened(ground.url());
                const std::string name = ground.text("SELECT current_database()::text");
                const std::string start = ground.id + '\0' + "schema_migrations" + '\0';
                const std::string plain = std::to_string(lock_id(start + name));
                const std::string slash = std::to_string(lock_id(start + "/" + name));
                must(lock(driver));
                same<int64_t>(
                    2,
                    ground.number(
                        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted AND"
                        " objid IN (" +
                        plain + ", " + slash + ")"));
                must(unlock(driver));
                for (const std::string& id : {plain, slash}) {
                    const Conn conn = lease(ground.db.get(), ground.id);
                    must(exec(conn.get(), "SELECT pg_advisory_lock(" + id + ")"));
                    must_be(MTDB_MIGRATION_LOCKED, lock(driver, 0));
                    must(exec(conn.get(), "SELECT pg_advisory_unlock(" + id + ")"));
                    must(lock(driver, 0));
                    must(unlock(driver));
                    must(give_back(conn.get()));
                }
            });
        claim("a waiting locker has no statement at the server that waits", [](Ground& ground) {
            const Driver first = opened(ground.url()), second = opened(ground.url());
            must(lock(first));
            Answer answer;
            std::thread waiting([&] { answer = lock(second); });
            sleep_ms(30);
            const int64_t blocked =
                ground.number("SELECT count(*) FROM pg_locks WHERE NOT granted");
            must(unlock(first));
            waiting.join();
            must(answer);
            same<int64_t>(0, blocked);
        });
    }
}

void other_locks() {
    if (on_mysql()) {
        claim("the lock has golang-migrate's number, which keeps it out", [](Ground& ground) {
            const Driver driver = opened(ground.url());
            const std::string id = std::to_string(lock_id(ground.id + ":schema_migrations"));
            must(lock(driver));
            same<int64_t>(1, ground.number("SELECT IS_USED_LOCK('" + id + "') IS NOT NULL"));
            must(unlock(driver));
            const Conn conn = lease(ground.db.get(), ground.id);
            must(exec(conn.get(), "DO GET_LOCK('" + id + "', 0)"));
            must_be(MTDB_MIGRATION_LOCKED, lock(driver, 0));
            must(give_back(conn.get()));
            must(lock(driver, 0));
        });
    }
    if (on_sqlite()) return;
    claim("a lock table keeps others out until its row goes, and Drop leaves it",
          [](Ground& ground) {
              const std::pair<const char*, std::string> table{"driver.lock", "table"};
              const Driver first = opened(ground.url(), {table}),
                           second = opened(ground.url(), {table});
              order_v4(first);
              must(lock(first));
              must_be(MTDB_MIGRATION_LOCKED, lock(second, 0));
              must(drop(first));
              must_be(MTDB_MIGRATION_LOCKED, lock(second, 0));
              must(unlock(first));
              must(lock(second, 0));
              must(unlock(second));
              same<int64_t>(0, ground.number("SELECT count(*) FROM schema_lock"));
          });
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 3) {
        std::fprintf(stderr, "usage: driver BACKEND URL|VARIABLE [PART]\n");
        return 2;
    }
    try {
        if (std::string_view(argv[1]) == "hold") return hold(argv[2]);
        backend = argv[1];
        const char* const value = std::getenv(argv[2]);
        base_url = value != nullptr ? value : argv[2];
        only = argc > 3 ? argv[3] : "";
        for (const auto claims :
             {acceptance, locks, ends_of_locks, drivers_of_a_lease, loose_locks, texts, places, texts_of_a_backend,
              tables, names, drops, quoted_names, identities, numbers, other_locks, poolers})
            claims();
        return summary();
    } catch (const std::exception& error) {
        std::fprintf(stderr, "driver: %s\n", error.what());
        return 1;
    }
}
