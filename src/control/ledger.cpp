// SPDX-License-Identifier: MIT
#include "control/ledger.hpp"

#include <chrono>

#include "base/error.hpp"
#include "base/text.hpp"

namespace mtdb::control {
namespace {

using db::Lifetime;
using db::Value;

constexpr std::string_view runs_table = "mtdb_fleet_runs";
constexpr std::string_view items_table = "mtdb_fleet_tenants";
constexpr std::string_view seen_table = "mtdb_fleet_seen";
constexpr std::size_t message_max = 1000;

int64_t now_us() {
    return std::chrono::duration_cast<std::chrono::microseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
}

std::string text_at(const db::Rows& row, int32_t column) { return std::string(row.value(column).view()); }
int64_t integer_at(const db::Rows& row, int32_t column) {
    const Value value = row.value(column);
    return value.type == db::Type::null ? 0 : value.slot;
}

}  // namespace

// Every text, once, with the dialect's placeholders: named parameters would be other texts for each database.
struct Ledger::Texts {
    explicit Texts(const db::Dialect& dialect)
        : dollar(dialect.lexis.style == db::PlaceholderStyle::dollar),
          file(dialect.tenant_unit == db::Namespace::file),
          table_tail(dialect.name == "mysql" ? " ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin" : "") {}

    const bool dollar;
    const bool file;
    const std::string_view table_tail;  // names of runs and tenants are compared byte for byte

    // "?" becomes the dialect's own.
    std::string of(std::string_view text) const {
        std::string out;
        int number = 0;
        for (const char c : text) {
            if (c == '?' && dollar)
                out += "$" + std::to_string(++number);
            else
                out += c;
        }
        return out;
    }
};

// Rolls back unless it was committed.
class Ledger::Transaction {
public:
    Transaction(db::Connection& connection, const Wait& wait) : connection_(connection) {
        connection_.begin({}, wait);
    }
    Transaction(const Transaction&) = delete;
    ~Transaction() {
        if (done_) return;
        try {
            connection_.rollback();
        } catch (...) {  // NOLINT(bugprone-empty-catch): the connection is lost, and its transaction with it
        }
    }
    void commit(const Wait& wait) {
        connection_.commit(wait);
        done_ = true;
    }

private:
    db::Connection& connection_;
    bool done_ = false;
};

Ledger::Ledger(std::unique_ptr<db::Connection> connection, const db::Dialect& dialect, const Wait& wait)
    : connection_(std::move(connection)), texts_(std::make_unique<const Texts>(dialect)) {
    create(wait);
}

Ledger::~Ledger() = default;

void Ledger::create(const Wait& wait) {
    const std::string tables[] = {
        "CREATE TABLE IF NOT EXISTS " + std::string(runs_table) +
            "(run VARCHAR(128) NOT NULL PRIMARY KEY, verb VARCHAR(32) NOT NULL, target VARCHAR(255) NOT NULL,"
            " plan VARCHAR(64) NOT NULL, state VARCHAR(16) NOT NULL, reason TEXT NOT NULL, tenants BIGINT NOT "
            "NULL,"
            " wave BIGINT NOT NULL, turn BIGINT NOT NULL, started_us BIGINT NOT NULL, changed_us BIGINT NOT NULL)",
        "CREATE TABLE IF NOT EXISTS " + std::string(items_table) +
            "(run VARCHAR(128) NOT NULL, number BIGINT NOT NULL, tenant VARCHAR(128) NOT NULL, wave BIGINT NOT NULL,"
            " state VARCHAR(16) NOT NULL,"
            " attempts BIGINT NOT NULL, applied BIGINT NOT NULL, before_version VARCHAR(255) NOT NULL,"
            " goal VARCHAR(255) NOT NULL, version VARCHAR(255) NOT NULL, standing VARCHAR(32) NOT NULL,"
            " status BIGINT NOT NULL, message TEXT NOT NULL,"
            " error TEXT NOT NULL, duration_ms BIGINT NOT NULL, changed_us BIGINT NOT NULL, PRIMARY KEY(run, "
            "number))",
        "CREATE TABLE IF NOT EXISTS " + std::string(seen_table) +
            "(tenant VARCHAR(128) NOT NULL PRIMARY KEY, plan VARCHAR(64) NOT NULL, identity VARCHAR(255) NOT NULL,"
            " version VARCHAR(255) NOT NULL, standing VARCHAR(32) NOT NULL)",
    };
    for (const std::string& table : tables)
        if (const auto statement = connection_->prepare(table + std::string(texts_->table_tail), nullptr, wait))
            statement->run(wait);
}

// Once per row, in as few trips as the backend can. Within a transaction.
void Ledger::run_rows(const std::string& sql, db::BlockBuilder& rows, const Wait& wait) {
    if (rows.rows() == 0) return;
    const auto& block = rows.finish();
    const db::BlockView view = db::BlockView::parse(block.data(), static_cast<int64_t>(block.size()));
    const auto statement = connection_->prepare(sql, nullptr, wait);
    if (statement->run_rows(view, wait)) return;
    for (int32_t row = 0; row < view.rows(); ++row) {
        statement->bind_row(view, row);
        statement->run(wait);
    }
}

namespace {

RunRecord run_of(const db::Rows& row) {
    RunRecord run;
    run.run = text_at(row, 0);
    run.verb = text_at(row, 1);
    run.target = text_at(row, 2);
    run.plan = text_at(row, 3);
    run.state = text_at(row, 4);
    run.reason = text_at(row, 5);
    run.tenants = integer_at(row, 6);
    run.wave = integer_at(row, 7);
    run.turn = integer_at(row, 8);
    run.started_us = integer_at(row, 9);
    run.changed_us = integer_at(row, 10);
    return run;
}

const std::string run_columns =
    "SELECT run, verb, target, plan, state, reason, tenants, wave, turn, started_us, changed_us FROM ";

}  // namespace

std::optional<RunRecord> Ledger::find(std::string_view run, const Wait& wait) {
    const auto statement =
        connection_->prepare(texts_->of(run_columns + std::string(runs_table) + " WHERE run = ?"), nullptr, wait);
    statement->bind(1, Value::text(run), Lifetime::borrowed);
    if (!statement->next(wait)) return std::nullopt;
    return run_of(*statement);
}

std::vector<RunRecord> Ledger::runs(const Wait& wait) {
    const auto statement =
        connection_->prepare(run_columns + std::string(runs_table) + " ORDER BY started_us, run", nullptr, wait);
    std::vector<RunRecord> all;
    while (statement->next(wait)) all.push_back(run_of(*statement));
    return all;
}

void Ledger::begin(const RunRecord& run, std::span<const ItemRecord> items, const Wait& wait) {
    Transaction transaction(*connection_, wait);
    const auto statement = connection_->prepare(
        texts_->of("INSERT INTO " + std::string(runs_table) +
                   "(run, verb, target, plan, state, reason, tenants, wave, started_us, changed_us, turn)"
                   " VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1)"),
        nullptr, wait);
    const int64_t now = now_us();
    int32_t index = 0;
    for (const std::string* text : {&run.run, &run.verb, &run.target, &run.plan, &run.state, &run.reason})
        statement->bind(++index, Value::text(*text), Lifetime::borrowed);
    for (const int64_t number : {run.tenants, run.wave, now, now})
        statement->bind(++index, Value::integer(number), Lifetime::copied);
    try {
        statement->run(wait);
    } catch (const Error& error) {
        if (error.code() != Code::constraint) throw;
        throw error.with_code(Code::exists)
            .with_message("the ledger has a fleet run '" + base::excerpt(run.run) + "'");
    }
    db::BlockBuilder rows;
    for (const ItemRecord& item : items) {
        rows.add(Value::text(run.run));
        rows.add(Value::integer(item.number));
        rows.add(Value::text(item.tenant));
        rows.add(Value::integer(item.wave));
        rows.add(Value::text(name_of(item.state)));
        rows.add(Value::integer(now));
        rows.end_row();
    }
    run_rows(
        texts_->of("INSERT INTO " + std::string(items_table) +
                   "(run, number, tenant, wave, state, changed_us, attempts, applied, before_version, goal, version,"
                   " standing, status, message, error, duration_ms)"
                   " VALUES(?, ?, ?, ?, ?, ?, 0, 0, '', '', '', '', 0, '', '', 0)"),
        rows, wait);
    transaction.commit(wait);
    turn_ = 1;
}

int64_t Ledger::turn_of(std::string_view run, const Wait& wait) {
    const auto statement = connection_->prepare(
        texts_->of("SELECT turn FROM " + std::string(runs_table) + " WHERE run = ?"), nullptr, wait);
    statement->bind(1, Value::text(run), Lifetime::borrowed);
    return statement->next(wait) ? integer_at(*statement, 0) : 0;
}

bool Ledger::take(std::string_view run, const Wait& wait) {
    Transaction transaction(*connection_, wait);
    const auto statement = connection_->prepare(
        texts_->of("UPDATE " + std::string(runs_table) + " SET turn = turn + 1 WHERE run = ?"), nullptr, wait);
    statement->bind(1, Value::text(run), Lifetime::borrowed);
    statement->run(wait);
    const int64_t turn = turn_of(run, wait);
    transaction.commit(wait);
    turn_ = turn;
    return turn > 0;
}

// What is written into a file that was removed, nobody finds again.
void Ledger::require_file() {
    if (texts_->file && !connection_->in_place())
        throw Error(Code::io, "the ledger's file was removed or replaced while the run went on");
}

// Within a transaction, as its first write: the row is locked until its end, and then read.
void Ledger::require_turn(std::string_view run, const Wait& wait) {
    require_file();
    const auto statement = connection_->prepare(
        texts_->of("UPDATE " + std::string(runs_table) + " SET changed_us = ? WHERE run = ?"), nullptr, wait);
    statement->bind(1, Value::integer(now_us()), Lifetime::copied);
    statement->bind(2, Value::text(run), Lifetime::borrowed);
    statement->run(wait);
    const int64_t turn = turn_of(run, wait);
    if (turn == turn_) return;
    const std::string name = "fleet run '" + base::excerpt(run) + "' ";
    throw Error(Code::invalid_state,
                turn == 0 ? name + "is no longer in the ledger" : name + "was taken up by somebody else meanwhile");
}

std::vector<ItemRecord> Ledger::items(std::string_view run, const Wait& wait) {
    const auto statement = connection_->prepare(
        texts_->of(
            "SELECT number, tenant, state, attempts, applied, before_version, version, standing, status, message,"
            " error, duration_ms, wave, goal FROM " +
            std::string(items_table) + " WHERE run = ? ORDER BY number"),
        nullptr, wait);
    statement->bind(1, Value::text(run), Lifetime::borrowed);
    std::vector<ItemRecord> all;
    while (statement->next(wait)) {
        ItemRecord item;
        item.number = integer_at(*statement, 0);
        item.tenant = text_at(*statement, 1);
        const std::string state = text_at(*statement, 2);
        const auto known = item_state(state);
        if (!known)
            throw Error(Code::corrupt, "the ledger holds tenant '" + base::excerpt(item.tenant) + "' in state '" +
                                           base::excerpt(state) + "', which is none");
        item.state = *known;
        item.attempts = integer_at(*statement, 3);
        item.applied = integer_at(*statement, 4);
        item.before = text_at(*statement, 5);
        item.version = text_at(*statement, 6);
        item.standing = text_at(*statement, 7);
        item.status = integer_at(*statement, 8);
        item.message = text_at(*statement, 9);
        item.error = text_at(*statement, 10);
        item.duration_ms = integer_at(*statement, 11);
        item.wave = integer_at(*statement, 12);
        item.goal = text_at(*statement, 13);
        all.push_back(std::move(item));
    }
    return all;
}

void Ledger::save(std::string_view run, std::span<const ItemRecord> items, const Wait& wait) {
    if (items.empty()) return;
    const int64_t now = now_us();
    db::BlockBuilder rows;
    for (const ItemRecord& item : items) {
        rows.add(Value::text(name_of(item.state)));
        for (const int64_t number : {item.attempts, item.applied}) rows.add(Value::integer(number));
        for (const std::string* text : {&item.before, &item.goal, &item.version, &item.standing})
            rows.add(Value::text(*text));
        rows.add(Value::integer(item.status));
        rows.add(Value::text(base::excerpt(item.message, message_max)));
        rows.add(Value::text(item.error));
        for (const int64_t number : {item.duration_ms, now}) rows.add(Value::integer(number));
        rows.add(Value::text(run));
        rows.add(Value::integer(item.number));
        rows.end_row();
    }
    Transaction transaction(*connection_, wait);
    require_turn(run, wait);
    run_rows(
        texts_->of(
            "UPDATE " + std::string(items_table) +
            " SET state = ?, attempts = ?, applied = ?, before_version = ?, goal = ?, version = ?, standing = ?,"
            " status = ?, message = ?, error = ?, duration_ms = ?, changed_us = ? WHERE run = ? AND number = ?"),
        rows, wait);
    transaction.commit(wait);
}

void Ledger::save(const RunRecord& run, const Wait& wait) {
    Transaction transaction(*connection_, wait);
    require_turn(run.run, wait);
    const auto statement =
        connection_->prepare(texts_->of("UPDATE " + std::string(runs_table) +
                                        " SET state = ?, reason = ?, wave = ?, changed_us = ? WHERE run = ?"),
                             nullptr, wait);
    statement->bind(1, Value::text(run.state), Lifetime::borrowed);
    statement->bind(2, Value::text(run.reason), Lifetime::borrowed);
    statement->bind(3, Value::integer(run.wave), Lifetime::copied);
    statement->bind(4, Value::integer(now_us()), Lifetime::copied);
    statement->bind(5, Value::text(run.run), Lifetime::borrowed);
    statement->run(wait);
    transaction.commit(wait);
}

std::vector<Seen> Ledger::seen(std::string_view plan, const Wait& wait) {
    const auto statement =
        connection_->prepare(texts_->of("SELECT tenant, plan, identity, version, standing FROM " +
                                        std::string(seen_table) + " WHERE plan = ?"),
                             nullptr, wait);
    statement->bind(1, Value::text(plan), Lifetime::borrowed);
    std::vector<Seen> all;
    while (statement->next(wait))
        all.push_back({text_at(*statement, 0), text_at(*statement, 1), text_at(*statement, 2),
                       text_at(*statement, 3), text_at(*statement, 4)});
    return all;
}

void Ledger::save_seen(std::span<const Seen> seen, const Wait& wait) {
    if (seen.empty()) return;
    db::BlockBuilder gone, rows;
    for (const Seen& each : seen) {
        gone.add(Value::text(each.tenant));
        gone.end_row();
        for (const std::string* text : {&each.tenant, &each.plan, &each.identity, &each.version, &each.standing})
            rows.add(Value::text(*text));
        rows.end_row();
    }
    Transaction transaction(*connection_, wait);
    run_rows(texts_->of("DELETE FROM " + std::string(seen_table) + " WHERE tenant = ?"), gone, wait);
    run_rows(texts_->of("INSERT INTO " + std::string(seen_table) +
                        "(tenant, plan, identity, version, standing) VALUES(?, ?, ?, ?, ?)"),
             rows, wait);
    transaction.commit(wait);
}

}  // namespace mtdb::control
