// SPDX-License-Identifier: MIT
#include "suite.hpp"

#include <unistd.h>

#include <cstdio>

namespace conformance {

using namespace harness;

namespace {

std::string text_of(const mtdb_error* error, int32_t field) {
    char text[512];
    int64_t needed = 0;
    if (mtdb_error_text(error, field, text, sizeof text, &needed) != MTDB_OK) return {};
    return {text, static_cast<std::size_t>(needed)};
}

std::string json_of(const mtdb_error* error) {
    std::string json(8192, '\0');
    int64_t needed = 0;
    if (mtdb_error_json(error, json.data(), size_of(json), &needed) != MTDB_OK) return {};
    json.resize(static_cast<std::size_t>(needed));
    return json;
}

}  // namespace

Failure failure_of_error(mtdb_status status, mtdb_error* owned) {
    Failure failure;
    failure.status = status;
    if (owned == nullptr) return failure;
    failure.effect = mtdb_error_effect(owned);
    failure.retryable = mtdb_error_retryable(owned);
    failure.line = mtdb_error_line(owned);
    failure.column = mtdb_error_column(owned);
    failure.statement = mtdb_error_statement(owned);
    failure.native = mtdb_error_native(owned);
    failure.message = mtdb_error_message(owned);
    failure.sqlstate = text_of(owned, MTDB_ERROR_SQLSTATE);
    failure.engine = text_of(owned, MTDB_ERROR_ENGINE);
    failure.tenant = text_of(owned, MTDB_ERROR_TENANT);
    failure.limit = text_of(owned, MTDB_ERROR_LIMIT);
    failure.json = json_of(owned);
    mtdb_error_release(owned);
    return failure;
}

// ---- World ----

World::~World() {
    db_.reset();  // a database is not dropped while connections stand in it
    try {
        const Db db = opened({});
        for (const std::string& id : ids_)
            ask([&](mtdb_error** err) {
                return mtdb_tenant_drop(db.get(), id.data(), size_of(id), plenty_ms, nullptr, err);
            });
    } catch (const std::exception& error) {
        std::printf("  tenants stay: %s\n", error.what());
    }
}

Db World::opened(const std::vector<std::pair<std::string, std::string>>& settings) const {
    const Options options = options_of({{"placeholders", "portable"}});
    for (const auto* set : {&backend_.settings, &settings})
        for (const auto& [key, value] : *set)
            ok([&](mtdb_error** err) {
                return mtdb_options_set_str(options.get(), key.data(), size_of(key), value.data(), size_of(value), err);
            });
    mtdb_db* made = nullptr;
    ok([&](mtdb_error** err) {
        return mtdb_db_open(backend_.url.data(), size_of(backend_.url), options.get(), &made, err);
    });
    return Db(made);
}

mtdb_db* World::open(const std::vector<std::pair<std::string, std::string>>& settings) {
    db_.reset();
    db_ = opened(settings);
    return db_.get();
}

mtdb_db* World::db() { return db_ ? db_.get() : open(); }

std::string World::id(const std::string& name) {
    // Not what an earlier run may have left.
    std::string id = "k" + std::to_string(getpid() % 100000) + "_" + std::to_string(number_) + name;
    ids_.push_back(id);
    return id;
}

const std::string& World::bare_tenant(const std::string& name) {
    if (const auto found = made_.find(name); found != made_.end()) return found->second;
    const std::string& made = made_[name] = id(name);
    must(create(db(), made));
    return made;
}

const std::string& World::tenant(const std::string& name) {
    if (const auto found = made_.find(name); found != made_.end()) return found->second;
    const std::string& made = bare_tenant(name);
    if (difference(backend_.name, Need::tables) == nullptr)
        must(exec(db(), made, "CREATE TABLE t(id BIGINT PRIMARY KEY, v " + words().text + ")"));
    return made;
}

Conn World::lease(const std::string& name) {
    const std::string& made = tenant(name);
    return harness::lease(db(), made);
}

// ---- Suite ----

void Suite::claim(const char* name, std::initializer_list<Need> needs, Body body) {
    if (!contains(name, only_)) return;
    for (const Need need : needs)
        if (difference(backend_.name, need) != nullptr) {
            used_[static_cast<std::size_t>(need)] = true;
            return;
        }
    ++claims_;
    run(name, body);
}

void Suite::run(const std::string& name, Body body) {
    std::string wrong;
    const int64_t handles = live_handles();
    try {
        World world(backend_, static_cast<int>(claims_));
        body(world);
    } catch (const std::exception& error) {
        wrong = error.what();
    }
    if (wrong.empty() && live_handles() != handles)
        wrong = std::to_string(live_handles() - handles) + " handles are left over";
    if (wrong.empty()) return;
    ++failed_;
    std::printf("FAILED: %s: %s\n  %s\n", backend_.name.c_str(), name.c_str(), wrong.c_str());
    std::fflush(stdout);
}

int Suite::summary() const {
    int64_t differences = 0;
    for (const bool each : used_) differences += each ? 1 : 0;
    std::printf("conformance %s: %lld claims, %lld failed, %lld declared differences\n", backend_.name.c_str(),
                static_cast<long long>(claims_), static_cast<long long>(failed_), static_cast<long long>(differences));
    return claims_ > 0 && failed_ == 0 ? 0 : 1;
}

// ---- short forms ----

int64_t size_of(std::string_view text) { return static_cast<int64_t>(text.size()); }

void same(int64_t wanted, int64_t got, Place at) {
    check(wanted == got, "wanted " + std::to_string(wanted) + ", got " + std::to_string(got), at);
}

void same(const std::string& wanted, const std::string& got, Place at) {
    check(wanted == got, "wanted '" + wanted.substr(0, 100) + "', got '" + got.substr(0, 100) + "'", at);
}

Failure exec_failure(mtdb_conn* conn, const std::string& sql) {
    return failure_of([&](mtdb_error** err) {
        return mtdb_conn_exec(conn, sql.data(), size_of(sql), nullptr, 0, plenty_ms, nullptr, nullptr, err);
    });
}

Stmt prepare(mtdb_conn* conn, const std::string& sql) {
    mtdb_stmt* made = nullptr;
    ok([&](mtdb_error** err) {
        return mtdb_stmt_prepare(conn, sql.data(), size_of(sql), plenty_ms, nullptr, &made, err);
    });
    return Stmt(made);
}

Result execute(mtdb_stmt* stmt) {
    mtdb_result* made = nullptr;
    ok([&](mtdb_error** err) { return mtdb_stmt_execute(stmt, plenty_ms, nullptr, &made, err); });
    return Result(made);
}

Result query(mtdb_conn* conn, const std::string& sql) {
    mtdb_result* made = nullptr;
    ok([&](mtdb_error** err) {
        return mtdb_conn_query(conn, sql.data(), size_of(sql), nullptr, 0, plenty_ms, nullptr, &made, err);
    });
    return Result(made);
}

bool next(mtdb_result* result) {
    const Answer answer = ask([&](mtdb_error** err) { return mtdb_result_next(result, err); });
    must(answer);
    return answer.status == MTDB_OK;
}

int64_t rows_left(mtdb_result* result) {
    int64_t rows = 0;
    while (next(result)) ++rows;
    return rows;
}

int64_t affected(mtdb_result* result) {
    int64_t rows = -1;
    ok([&](mtdb_error** err) { return mtdb_result_affected(result, &rows, err); });
    return rows;
}

std::string text_at(mtdb_result* result, int32_t column) {
    int64_t len = 0;
    const char* text = mtdb_value_text(result, column, &len);
    return text != nullptr ? std::string(text, static_cast<std::size_t>(len)) : "(no text)";
}

void bind_text(mtdb_stmt* stmt, int32_t index, const std::string& value) {
    ok([&](mtdb_error** err) { return mtdb_stmt_bind_text(stmt, index, value.data(), size_of(value), err); });
}

void bind_int(mtdb_stmt* stmt, int32_t index, int64_t value) {
    ok([&](mtdb_error** err) { return mtdb_stmt_bind_int64(stmt, index, value, err); });
}

int64_t count_of(mtdb_conn* conn, const std::string& table) { return int_of(conn, "SELECT count(*) FROM " + table); }

void put(mtdb_conn* conn, int64_t id, const std::string& v) {
    const Stmt stmt = prepare(conn, "INSERT INTO t(id, v) VALUES(?, ?)");
    bind_int(stmt.get(), 1, id);
    bind_text(stmt.get(), 2, v);
    const Result result = execute(stmt.get());
    same(1, affected(result.get()));
}

bool untouched(int32_t effect) { return effect == MTDB_EFFECT_NONE || effect == MTDB_EFFECT_ROLLED_BACK; }

bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

}  // namespace conformance
