// SPDX-License-Identifier: MIT
// Usage: leaks BACKEND URL|VARIABLE: sqlite, postgres/schema or mariadb; servers under tests/servers/run.
#include "leaks.hpp"

#include <cstdio>
#include <cstdlib>
#include <thread>

namespace conformance {

using namespace harness;

namespace {

std::string first_of(mtdb_conn* conn, const std::string& sql) {
    std::string out;
    must(query(conn, sql, out));
    return out;
}

// The first column of the first row as text, whatever its type; "NULL" without one.
Answer look_up(mtdb_conn* conn, const char* sql, std::string& seen) {
    mtdb_result* made = nullptr;
    Answer answer = ask(
        [&](mtdb_error** err) { return mtdb_conn_query(conn, sql, -1, nullptr, 0, plenty_ms, nullptr, &made, err); });
    const Result result(made);
    if (answer.ok()) answer = ask([&](mtdb_error** err) { return mtdb_result_next(made, err); });
    const int32_t type = answer.status == MTDB_OK ? mtdb_value_type(made, 0) : MTDB_TYPE_NULL;
    const char* text = answer.status == MTDB_OK ? mtdb_value_text(made, 0, nullptr) : nullptr;
    seen = type == MTDB_TYPE_NULL   ? "NULL"
           : type == MTDB_TYPE_BOOL ? (mtdb_value_int64(made, 0) != 0 ? "t" : "f")
           : text != nullptr        ? text
                                    : std::to_string(mtdb_value_int64(made, 0));
    return answer;
}

// Several statements as one batch.
Answer batch(mtdb_conn* conn, std::initializer_list<const char*> statements) {
    mtdb_batch* made = nullptr;
    ok([&](mtdb_error** err) { return mtdb_batch_new(&made, err); });
    const std::unique_ptr<mtdb_batch, Release<mtdb_batch_release>> owned(made);
    for (const char* sql : statements)
        ok([&](mtdb_error** err) { return mtdb_batch_add(made, sql, -1, nullptr, 0, err); });
    mtdb_result* answered = nullptr;
    Answer answer = ask(
        [&](mtdb_error** err) { return mtdb_conn_exec_batch(conn, made, plenty_ms, nullptr, &answered, err); });
    mtdb_result_release(answered);
    return answer;
}

// One row of data for a COPY.
Answer copy_in(mtdb_conn* conn, const char* sql, const char* row) {
    mtdb_block* made = nullptr;
    ok([&](mtdb_error** err) { return mtdb_block_new(&made, err); });
    const Block owned(made);
    const void* data = nullptr;
    int64_t size = 0;
    ok([&](mtdb_error** err) { return mtdb_block_add_text(made, row, -1, err); });
    ok([&](mtdb_error** err) { return mtdb_block_end_row(made, err); });
    ok([&](mtdb_error** err) { return mtdb_block_data(made, &data, &size, err); });
    return ask(
        [&](mtdb_error** err) { return mtdb_conn_exec(conn, sql, -1, data, size, plenty_ms, nullptr, nullptr, err); });
}

void insert(mtdb_conn* conn) { exec(conn, "INSERT INTO t(id, mark) VALUES(5, 'lka')"); }
void undo(mtdb_conn* conn) { exec(conn, "DELETE FROM t WHERE id = 5"); }

std::string text_type(const std::string& backend) { return backend.starts_with("mariadb") ? "VARCHAR(200)" : "TEXT"; }

}  // namespace

Matrix::Matrix(std::string backend, const std::string& url)
    : backend_(std::move(backend)),
      url_(url == "sqlite:" ? url + folder_.path() : url),
      side_(side_of(backend_, backend_.starts_with("postgres") ? "leaks" : "")) {
    db_ = opened(url_);
    remake();
}

Db Matrix::opened(const std::string& url) const {
    return open_db(url, {{"pool.size_max", "1"}, {"shutdown_timeout_ms", "1000"}, {"events.level", "warn"}});
}

void Matrix::make(const std::string& tenant) {
    must(create(db_.get(), tenant));
    must(exec(db_.get(), tenant, "CREATE TABLE t(id BIGINT, mark " + text_type(backend_) + ")"));
    must(exec(db_.get(), tenant, "INSERT INTO t(id, mark) VALUES(1, '" + tenant + "')"));
    if (!server()) return;
    must(exec(db_.get(), tenant, "CREATE SEQUENCE s"));
    if (backend_.starts_with("postgres")) {
        must(exec(db_.get(), tenant,
                  "CREATE FUNCTION move() RETURNS text LANGUAGE plpgsql AS $$ BEGIN "
                  "PERFORM set_config('search_path', 'lkb', false); RETURN 'moved'; END $$"));
    } else {
        must(exec(db_.get(), tenant, "CREATE TABLE g(id BIGINT AUTO_INCREMENT PRIMARY KEY, mark VARCHAR(200))"));
        must(exec(db_.get(), tenant, "CREATE PROCEDURE move() BEGIN SET @secret = 'of a'; END"));
    }
}

void Matrix::remake() {
    for (const std::string tenant : {"lka", "lkb"}) {
        ask([&](mtdb_error** err) { return mtdb_tenant_drop(db_.get(), tenant.c_str(), -1, plenty_ms, nullptr, err); });
        make(tenant);
    }
}

std::string Matrix::self(mtdb_conn* conn) const { return server() ? first_of(conn, side_->self) : std::string("file"); }

void Matrix::own(mtdb_conn* conn, const std::string& tenant) {
    const std::string marks = first_of(conn, "SELECT DISTINCT mark FROM t");
    check(marks == tenant, tenant + " sees rows of '" + marks + "'");
    must(exec(conn, "INSERT INTO t(id, mark) VALUES(2, '" + tenant + "')"));
    must(exec(conn, "CREATE TABLE made(a BIGINT)"));
    if (server()) {
        const std::string where = backend_.starts_with("postgres")
                                      ? "SELECT nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
                                        "WHERE relname = 'made'"
                                      : "SELECT table_schema FROM information_schema.tables WHERE table_name = 'made'";
        const std::string places = side_->run(where);
        check(places == tenant, "a table of " + tenant + " was made in '" + places + "'");
        check(side_->run("SELECT count(*) FROM " + tenant + ".t WHERE id = 2") == "1", "a row went elsewhere");
    }
    must(exec(conn, "DROP TABLE made"));
    must(exec(conn, "DELETE FROM t WHERE id = 2"));
}

void Matrix::row(const std::string& name, const std::function<void(mtdb_conn*)>& leave,
                 const std::function<void(mtdb_conn*)>& look) {
    test(backend_ + ": " + name, [&] {
        ++rows_;
        std::string before;
        {
            const Conn first = lease(db_.get(), "lka");
            before = self(first.get());
            leave(first.get());
            give_back(first.get());
        }
        {
            const Conn second = lease(db_.get(), "lkb");
            look(second.get());
            if (server() && self(second.get()) == before) ++same_connection_;
            own(second.get(), "lkb");
            must(give_back(second.get()));
        }
    });
    // The next row begins with both tenants as they were made, whatever this one did.
    bool whole = true;
    for (const std::string tenant : {"lka", "lkb"}) {
        std::string marks;
        whole = whole && query(db_.get(), tenant, "SELECT mark FROM t", marks).ok() && marks == tenant;
    }
    if (!whole) remake();
}

void Matrix::rows_by_sql() {
    for (const LeftBySql& each : rows_of(backend_)) {
        const auto leave = [&](mtdb_conn* conn) {
            for (const char* sql : each.leave) exec(conn, sql, 5000);
        };
        const auto look = [&](mtdb_conn* conn) {
            if (*each.look == '\0') return;
            std::string seen;
            const Answer answer = look_up(conn, each.look, seen);
            if (each.sees == Sees::fails) return check(!answer.ok(), "the second tenant sees '" + seen + "'");
            if (each.sees == Sees::nothing && (!answer.ok() || seen.empty() || seen == "NULL")) return;
            must(answer);
            check(each.sees == Sees::exactly && seen == each.value, "the second tenant sees '" + seen + "'");
        };
        const bool super = std::string_view(each.name) == "SET SESSION AUTHORIZATION";
        if (super) db_ = opened(environment("MTDB_TEST_LEAKS_SUPER"));
        row(each.name, leave, look);
        if (super) db_ = opened(url_);
    }
}

void Matrix::cut_short(mtdb_conn* conn, const std::string& sql, int64_t timeout_ms) {
    const Cancel cancel = new_cancel();
    std::thread canceller([&] {
        sleep_ms(40);
        mtdb_cancel_trigger(cancel.get(), 0, nullptr);
    });
    const Answer answer = exec(conn, sql, timeout_ms, timeout_ms < plenty_ms ? nullptr : cancel.get());
    canceller.join();
    check(!answer.ok(), "an endless statement ended");
}

std::string Matrix::endless() const {
    if (backend_.starts_with("postgres")) return "SELECT pg_sleep(600)";
    if (backend_.starts_with("mariadb")) return "SELECT SLEEP(600)";
    return "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";
}

Result Matrix::unread(mtdb_conn* conn, int64_t timeout_ms) const {
    const char* many = backend_.starts_with("postgres")  ? "SELECT mark, i FROM t, generate_series(1, 50000) AS g(i)"
                       : backend_.starts_with("mariadb") ? "SELECT mark, seq FROM t, seq_1_to_50000"
                                                         : "SELECT mark FROM t";
    mtdb_result* made = nullptr;
    mtdb_conn_query(conn, many, -1, nullptr, 0, timeout_ms, nullptr, &made, nullptr);
    mtdb_result_next(made, nullptr);
    return Result(made);
}

std::vector<Matrix::Way> Matrix::transaction_ways() {
    return {
        {"commit", [](mtdb_conn* conn) { begin(conn), insert(conn), undo(conn), commit(conn); }},
        {"rollback", [](mtdb_conn* conn) { begin(conn), insert(conn), rollback(conn); }},
        {"rollback to a savepoint",
         [](mtdb_conn* conn) {
             begin(conn);
             mtdb_tx_savepoint(conn, "s", -1, nullptr);
             insert(conn);
             mtdb_tx_rollback_to(conn, "s", -1, nullptr);
             commit(conn);
         }},
        {"a failed statement in a transaction",
         [](mtdb_conn* conn) { begin(conn), insert(conn), exec(conn, "SELECT nothing FROM nowhere"); }},
        {"a cancelled statement in a transaction",
         [this](mtdb_conn* conn) { begin(conn), insert(conn), cut_short(conn, endless(), plenty_ms); }},
        {"a timeout at commit",
         [](mtdb_conn* conn) {
             begin(conn), insert(conn), undo(conn);
             mtdb_tx_commit(conn, 0, nullptr, nullptr);
         }},
        {"rows that nobody read, in a transaction", [this](mtdb_conn* conn) { begin(conn), unread(conn, plenty_ms); }},
        {"an open transaction", [](mtdb_conn* conn) { begin(conn), insert(conn); }},
        {"a killed backend in a transaction",
         [this](mtdb_conn* conn) {
             begin(conn), insert(conn);
             if (server()) side_->end(self(conn));
             exec(conn, "SELECT mark FROM t");
         }},
    };
}

std::vector<Matrix::Way> Matrix::statement_ways() {
    return {
        {"a failed statement", [](mtdb_conn* conn) { exec(conn, "SELECT nothing FROM nowhere"); }},
        {"a cancelled statement", [this](mtdb_conn* conn) { cut_short(conn, endless(), plenty_ms); }},
        {"a statement's timeout", [this](mtdb_conn* conn) { cut_short(conn, endless(), 40); }},
        {"a timeout before anything is sent", [this](mtdb_conn* conn) { exec(conn, endless(), 0); }},
        {"a timeout while rows are read",
         [this](mtdb_conn* conn) {
             const Result result = unread(conn, 30);
             sleep_ms(60);
             while (mtdb_result_next(result.get(), nullptr) == MTDB_OK) {
             }
         }},
        {"rows that nobody read", [this](mtdb_conn* conn) { unread(conn, plenty_ms); }},
        {"a batch",
         [](mtdb_conn* conn) {
             batch(conn, {"INSERT INTO t(id, mark) VALUES(5, 'lka')", "DELETE FROM t WHERE id = 5"});
         }},
        {"a failed batch",
         [](mtdb_conn* conn) {
             batch(conn, {"INSERT INTO t(id, mark) VALUES(5, 'lka')", "SELECT nothing FROM nowhere"});
         }},
        {"a result that outlives its lease",
         [this](mtdb_conn* conn) {
             const Result result = unread(conn, plenty_ms);
             give_back(conn);
         }},
        {"a killed backend",
         [this](mtdb_conn* conn) {
             if (server()) side_->end(self(conn));
             exec(conn, "SELECT mark FROM t");
         }},
    };
}

void Matrix::rows_by_way() {
    std::vector<Way> ways = transaction_ways();
    for (Way& way : statement_ways()) ways.push_back(std::move(way));
    for (const auto& [name, leave] : ways) {
        row(name, leave, [](mtdb_conn*) {});
        for (const char* move : moves_of(backend_)) {
            const auto moved = [&, &way = leave](mtdb_conn* conn) { exec(conn, move), way(conn); };
            row(name + " after " + move, moved, [](mtdb_conn*) {});
        }
    }
}

// The tenant that moves itself stays in its own place, too: in the next statement, in a transaction and after it.
void Matrix::rows_by_move() {
    for (const char* move : moves_of(backend_)) {
        test(backend_ + ": the mover itself after " + move, [&] {
            const Conn conn = lease(db_.get(), "lka");
            exec(conn.get(), move);
            own(conn.get(), "lka");
        });
        test(backend_ + ": the mover itself in a transaction after " + move, [&] {
            const Conn conn = lease(db_.get(), "lka");
            must(begin(conn.get()));
            exec(conn.get(), move);
            exec(conn.get(), "INSERT INTO t(id, mark) VALUES(3, 'lka')");
            if (!commit(conn.get()).ok()) must(rollback(conn.get()));
            check(side_->run("SELECT count(*) FROM lkb.t WHERE mark = 'lka'") == "0", "a row went to lkb");
            own(conn.get(), "lka");
            must(exec(conn.get(), "DELETE FROM t WHERE id = 3"));
        });
    }
}

void Matrix::plans() {
    row(
        "prepared plans of another schema version",
        [&](mtdb_conn* conn) {
            for (int i = 0; i < 8; ++i) must(exec(conn, "SELECT * FROM t"));
            must(exec(conn, "ALTER TABLE t ADD COLUMN late BIGINT"));
            for (int i = 0; i < 8; ++i) must(exec(conn, "SELECT * FROM t"));
        },
        [&](mtdb_conn* conn) {
            for (int i = 0; i < 8; ++i) {
                mtdb_result* made = nullptr;
                ok([&](mtdb_error** err) {
                    return mtdb_conn_query(conn, "SELECT * FROM t", -1, nullptr, 0, plenty_ms, nullptr, &made, err);
                });
                const Result result(made);
                int32_t columns = 0;
                ok([&](mtdb_error** err) { return mtdb_result_column_count(made, &columns, err); });
                check(columns == 2, std::to_string(columns) + " columns");
            }
        });
    remake();
}

void Matrix::prepared_elsewhere() {
    row(
        "a statement prepared in the first tenant's place",
        [&](mtdb_conn* conn) {
            for (int i = 0; i < 8; ++i) check(first_of(conn, "SELECT mark FROM t WHERE id = 1") == "lka", "foreign");
        },
        [&](mtdb_conn* conn) {
            for (int i = 0; i < 8; ++i) check(first_of(conn, "SELECT mark FROM t WHERE id = 1") == "lkb", "foreign");
        });
    test(backend_ + ": one text in turn by both tenants", [&] {
        for (int i = 0; i < 30; ++i)
            for (const std::string tenant : {"lka", "lkb"}) {
                const std::string seen = text_in(db_.get(), tenant, "SELECT mark FROM t WHERE id = 1");
                check(seen == tenant, tenant + " sees " + seen);
            }
    });
}

void Matrix::public_objects() {
    if (!backend_.starts_with("postgres")) return;
    side_->run("CREATE TABLE IF NOT EXISTS public.only_public(mark text)");
    side_->run("CREATE TABLE IF NOT EXISTS public.t(id bigint, mark text)");
    side_->run("GRANT ALL ON ALL TABLES IN SCHEMA public TO PUBLIC");
    side_->run("GRANT ALL ON SCHEMA public TO PUBLIC");
    row(
        "objects of the same name in public", [](mtdb_conn*) {},
        [](mtdb_conn* conn) {
            must_be(MTDB_SQL_ERROR, exec(conn, "SELECT * FROM only_public"));
            must_be(MTDB_SQL_ERROR, exec(conn, "INSERT INTO only_public VALUES('x')"));
        });
    check(side_->run("SELECT count(*) FROM public.t") == "0", "public.t was written");
}

// What a tenant may do when its place is not there any more.
std::vector<Matrix::Act> Matrix::acts() const {
    std::vector<Act> acts;
    for (const char* sql : {"SELECT mark FROM t", "INSERT INTO t(id, mark) VALUES(7, 'lost')",
                            "UPDATE t SET mark = 'lost'", "DELETE FROM t", "CREATE TABLE nowhere(a BIGINT)",
                            "DROP TABLE t", "CREATE INDEX nowhere ON t(id)"})
        acts.push_back({sql, [sql](mtdb_conn* conn) { return exec(conn, sql); }});
    acts.push_back({"a batch", [](mtdb_conn* conn) {
                        return batch(conn, {"INSERT INTO t(id, mark) VALUES(7, 'lost')", "UPDATE t SET mark = 'lost'"});
                    }});
    if (!backend_.starts_with("postgres")) return acts;
    acts.push_back({"a batch with a new table", [](mtdb_conn* conn) {
                        return batch(conn, {"CREATE TABLE nowhere(a BIGINT)", "INSERT INTO nowhere VALUES(1)"});
                    }});
    acts.push_back({"COPY t TO STDOUT", [](mtdb_conn* conn) { return exec(conn, "COPY t TO STDOUT"); }});
    acts.push_back(
        {"COPY t FROM STDIN", [](mtdb_conn* conn) { return copy_in(conn, "COPY t FROM STDIN", "7\tlost\n"); }});
    return acts;
}

void Matrix::nothing_ran(const Answer& answer) {
    check(!answer.ok(), "it ran");
    const bool postgres = backend_.starts_with("postgres");
    // MariaDB tells that the table is not there, and means its database too.
    if (postgres)
        must_be(MTDB_TENANT_UNKNOWN, answer);
    else
        must_be_one_of({MTDB_TENANT_UNKNOWN, MTDB_SQL_ERROR}, answer);
    const std::string made = postgres ? "SELECT count(*) FROM pg_class WHERE relname = 'nowhere'"
                                      : "SELECT count(*) FROM information_schema.tables WHERE table_name = 'nowhere'";
    check(side_->run(made) == "0", "something was made");
    check(side_->run("SELECT DISTINCT mark FROM lkb.t") == "lkb", "lkb was written");
    if (!postgres) return;
    check(side_->run("SELECT count(*) FROM public.t") == "0", "public was written");
    check(side_->run("SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE "
                     "nspname LIKE 'pg_temp%' AND relkind IN ('r', 'i')") == "0",
          "something lies in pg_temp");
}

// `meanwhile` happens between acquire and statement: nothing is read or written anywhere.
void Matrix::pin(const std::string& name, const std::function<void(Side&)>& meanwhile) {
    for (const char* before : {"", ", warm", ", after another tenant"})
        for (const Act& act : acts()) {
            test(backend_ + ": " + name + before + ": " + act.name, [&] {
                ++rows_;
                const std::string_view state = before;
                if (state == ", after another tenant") must(exec(db_.get(), "lkb", "SELECT mark FROM t"));
                const Conn conn = lease(db_.get(), "lka");
                if (state == ", warm") must(exec(conn.get(), "SELECT mark FROM t"));
                meanwhile(*side_);
                nothing_ran(act.run(conn.get()));
            });
            if (backend_.starts_with("postgres")) {
                side_->run("DROP SCHEMA IF EXISTS lkc CASCADE");
                side_->run("DROP SCHEMA IF EXISTS lka CASCADE");
            } else {
                side_->run("DROP DATABASE IF EXISTS lka");
            }
            db_ = opened(url_);
            make("lka");
        }
}

void Matrix::pins() {
    if (backend_.starts_with("mariadb")) {
        pin("the database is dropped", [](Side& side) { side.run("DROP DATABASE lka"); });
        return;
    }
    pin("the schema is dropped", [](Side& side) { side.run("DROP SCHEMA lka CASCADE"); });
    pin("the schema is renamed", [](Side& side) { side.run("ALTER SCHEMA lka RENAME TO lkc"); });
    pin("the schema is revoked", [](Side& side) { side.run("REVOKE ALL ON SCHEMA lka FROM app"); });
    test(backend_ + ": a renamed schema is not written under its new name", [&] {
        const Conn conn = lease(db_.get(), "lka");
        must(exec(conn.get(), "INSERT INTO t(id, mark) VALUES(8, 'lka')"));
        side_->run("ALTER SCHEMA lka RENAME TO lkc");
        must_be(MTDB_TENANT_UNKNOWN, exec(conn.get(), "INSERT INTO t(id, mark) VALUES(9, 'lka')"));
        check(side_->run("SELECT count(*) FROM lkc.t WHERE id = 9") == "0", "it was written");
        side_->run("ALTER SCHEMA lkc RENAME TO lka");
        must(exec(conn.get(), "DELETE FROM t WHERE id = 8"));
    });
}

void Matrix::run() {
    rows_by_sql();
    rows_by_way();
    plans();
    prepared_elsewhere();
    public_objects();
    if (server()) {
        rows_by_move();
        pins();
        // A matrix over connections that are always new would prove nothing.
        test(backend_ + ": most rows pass over one connection", [&] {
            std::printf("leaks %s: %lld rows, %lld of them over the same connection\n", backend_.c_str(),
                        static_cast<long long>(rows_), static_cast<long long>(same_connection_));
            check(same_connection_ * 3 > rows_, "too few");
        });
    }
    for (const char* tenant : {"lka", "lkb"}) mtdb_tenant_drop(db_.get(), tenant, -1, plenty_ms, nullptr, nullptr);
    must(close_db(db_.get()));
}

}  // namespace conformance

namespace {

// The url of the database "leaks" instead of "app".
std::string in_leaks(std::string url) {
    if (const std::size_t at = url.find("/app?"); at != std::string::npos) url.replace(at, 5, "/leaks?");
    return url;
}

}  // namespace

int main(int argc, char** argv) {
    using namespace conformance;
    if (argc != 3) {
        std::fprintf(stderr, "usage: leaks BACKEND URL|VARIABLE\n");
        return 2;
    }
    try {
        std::string url = argv[2];
        const std::string backend = argv[1];
        if (url.starts_with("MTDB_TEST_")) url = in_leaks(environment(argv[2]));
        if (backend.starts_with("postgres")) {
            const auto side = side_of(backend);
            side->run("DROP DATABASE IF EXISTS leaks WITH (FORCE)");
            side->run("CREATE DATABASE leaks OWNER app");
            setenv("MTDB_TEST_LEAKS_SUPER", in_leaks(environment("MTDB_TEST_POSTGRES_SUPER")).c_str(), 1);
        }
        Matrix(backend, url).run();
        return harness::summary();
    } catch (const std::exception& error) {
        std::fprintf(stderr, "leaks: %s\n", error.what());
        return 1;
    }
}
