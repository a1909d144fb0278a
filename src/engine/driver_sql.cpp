// SPDX-License-Identifier: MIT
#include "engine/driver_sql.hpp"

#include <algorithm>
#include <random>
#include <tuple>
#include <utility>

#include "base/checksum.hpp"
#include "base/text.hpp"
#include "db/facts.hpp"
#include "engine/script_place.hpp"

namespace mtdb::engine {
namespace {

constexpr base::milliseconds lock_pause(5), lock_pause_max(250);
constexpr base::milliseconds answer_grace(
    10000);  // for what asks the server and does not wait there

// One part in quotes, or two with a point between them: the schema and the table.
std::pair<std::string, std::string> quoted_table(std::string_view text) {
    const auto wrong = [](const char* problem) {
        return Error(Code::invalid_argument,
                     std::string("a quoted name of the version table ") + problem);
    };
    if (text.size() < 2 || text.front() != '"' || text.back() != '"')
        throw wrong("begins and ends with a double quote");
    std::vector<std::string> parts;
    for (text.remove_prefix(1);;) {
        const std::size_t quote = text.find('"');
        parts.emplace_back(text.substr(0, quote));
        text.remove_prefix(quote + 1);
        if (text.empty()) break;
        if (!text.starts_with(".\"") || text.size() < 3)
            throw wrong("has nothing but a point between its parts");
        text.remove_prefix(2);
        if (text.find('"') == text.npos) throw wrong("has a part without its second quote");
    }
    if (parts.size() > 2) throw wrong("contains too many dot characters");
    if (std::ranges::any_of(parts, &std::string::empty)) throw wrong("has an empty part");
    if (parts.size() == 1) return {{}, parts[0]};
    return {parts[0], parts[1]};
}

std::string expanded(std::string_view text, const std::string& database, const std::string& schema,
                     const std::string& table) {
    std::string out;
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (text[at] != '%') {
            out += text[at];
            continue;
        }
        switch (text[++at]) {
            case 'd':
                out += database;
                break;
            case 's':
                out += schema;
                break;
            case 't':
                out += table;
                break;
            default:
                out += '\0';
        }
    }
    return out;
}

// Longer each time, and differently for everyone.
class Pauses {
public:
    base::milliseconds next() {
        const int64_t half = pause_.count() / 2;
        const base::milliseconds pause(pause_.count() - half +
                                       static_cast<int64_t>(random_()) % (half + 1));
        pause_ = std::min(pause_ * 2, lock_pause_max);
        return pause;
    }

private:
    base::milliseconds pause_ = lock_pause;
    std::minstd_rand random_{static_cast<uint32_t>(base::Clock::now().time_since_epoch().count())};
};

}  // namespace

DriverSettings DriverSettings::read(const Options& options, const db::Dialect& dialect) {
    DriverSettings settings;
    settings.table = options.text("driver.table");
    if (options.boolean("driver.table_quoted")) {
        if (!dialect.driver.schemas)
            throw Error(Code::invalid_argument, "driver.table_quoted is for backends with schemas");
        std::tie(settings.schema, settings.table) = quoted_table(settings.table);
    }
    if (settings.table.empty()) throw Error(Code::invalid_argument, "driver.table is empty");
    const std::string lock = options.text("driver.lock");
    settings.lock = lock == "none" ? Lock::none : lock == "table" ? Lock::table : Lock::advisory;
    settings.lock_table = options.text("driver.lock_table");
    if (settings.lock == Lock::table &&
        (dialect.driver.lock_row_names.empty() || settings.lock_table.empty()))
        throw Error(Code::invalid_argument, settings.lock_table.empty()
                                                ? "driver.lock_table is empty"
                                                : "driver.lock=table is for servers");
    settings.statement_timeout_ms = options.integer("driver.statement_timeout_ms");
    settings.multi_statement = options.boolean("driver.multi_statement") && dialect.atomic_scripts;
    settings.statement_size_max = options.integer("driver.statement_size_max_bytes");
    settings.wraps = dialect.driver.wraps_texts && !options.boolean("driver.no_tx_wrap");
    return settings;
}

uint32_t driver_lock_id(std::string_view text) noexcept {
    constexpr uint32_t salt = 1486364155;
    return base::crc32(text) * salt;
}

SqlDriver::SqlDriver(std::unique_ptr<DriverSession> session, DriverSettings settings,
                     const Wait& wait)
    : session_(std::move(session)), dialect_(session_->dialect()), settings_(std::move(settings)) {
    if (dialect_.driver.place_query.empty()) return;
    bool there = false;
    session_->use(Conn::Writes::no, wait, [&](db::Connection& connection) {
        find_place(connection, wait);
        there = has_table(connection, settings_.schema, settings_.table, wait);
    });
    if (!there) make_table(wait);
}

// ---- the place and its tables
// ---------------------------------------------------------------------

void SqlDriver::find_place(db::Connection& connection, const Wait& wait) {
    const std::vector<Row> rows = ask(connection, dialect_.driver.place_query, wait);
    if (rows.empty() || !rows[0].at(0) || !rows[0].at(1) || rows[0][1]->empty())
        throw Error(Code::invalid_state, dialect_.driver.schemas
                                             ? "no schema: none of the search path exists"
                                             : "no database is chosen");
    database_ = *rows[0][0];
    namespace_ = *rows[0][1];
    if (std::ranges::find(dialect_.driver.protected_namespaces, namespace_) !=
        dialect_.driver.protected_namespaces.end())
        throw Error(Code::permission, "'" + base::excerpt(namespace_) + "' is the server's own");
    texts_ = migrate::golang_texts(settings_.table, dialect_);
    if (!dialect_.driver.schemas) return;
    const std::string place =
        migrate::quoted(settings_.schema.empty() ? namespace_ : settings_.schema, dialect_) + "." +
        migrate::quoted(settings_.table, dialect_);
    texts_.create_table =
        "CREATE TABLE IF NOT EXISTS " + place + " " + std::string(dialect_.history.golang_columns);
    texts_.read = "SELECT h.version, h.dirty FROM " + place + " AS h LIMIT 2";
    texts_.clear = "DELETE FROM " + place;
    texts_.insert = "INSERT INTO " + place + " (version, dirty) VALUES (" +
                    migrate::placeholders(1, 2, dialect_) + ")";
}

std::vector<SqlDriver::Row> SqlDriver::ask(db::Connection& connection, std::string_view query,
                                           const Wait& wait) const {
    const auto statement = connection.prepare(query, nullptr, wait);
    for (int32_t i = 1; i <= statement->parameter_count(); ++i)
        statement->bind(i, db::Value::text(namespace_), db::Lifetime::borrowed);
    std::vector<Row> rows;
    while (statement->next(wait)) {
        Row& row = rows.emplace_back();
        for (int32_t i = 0; i < statement->column_count(); ++i) {
            const db::Value value = statement->value(i);
            row.push_back(value.type == db::Type::null ? std::nullopt
                                                       : std::optional(migrate::text_of(value)));
        }
    }
    return rows;
}

bool SqlDriver::has_table(db::Connection& connection, const std::string& schema,
                          const std::string& table, const Wait& wait) const {
    const auto statement = connection.prepare(dialect_.driver.table_query, nullptr, wait);
    statement->bind(1, db::Value::text(schema.empty() ? namespace_ : schema),
                    db::Lifetime::borrowed);
    statement->bind(2, db::Value::text(table), db::Lifetime::borrowed);
    bool found = false;
    while (statement->next(wait)) found = true;
    return found;
}

std::string SqlDriver::in_namespace(const std::string& table) const {
    const std::string name = migrate::quoted(table, dialect_);
    return dialect_.driver.schemas ? migrate::quoted(namespace_, dialect_) + "." + name : name;
}

// Undoes all of it when work fails.
template <class Work>
void SqlDriver::in_transaction(db::Connection& connection, const Wait& wait, Work&& work) const {
    connection.begin({}, wait);
    try {
        work();
        connection.commit(wait);
    } catch (const Error& error) {
        connection.rollback();
        throw error.effect() == Effect::none ? error.with_effect(Effect::rolled_back) : error;
    } catch (...) {
        connection.rollback();
        throw;
    }
}

void SqlDriver::make_table_in(db::Connection& connection, const Wait& wait) const {
    if (has_table(connection, settings_.schema, settings_.table, wait)) return;
    const auto create = [&] {
        migrate::execute(connection, texts_.create_table, wait);
        if (!texts_.create_index.empty()) migrate::execute(connection, texts_.create_index, wait);
    };
    if (dialect_.transactional_ddl)
        in_transaction(connection, wait, create);
    else
        create();
}

// Under the lock, as many may do it at the same time: the server itself does not make it once only.
// Whoever finds the lock taken is content as soon as the table is there.
void SqlDriver::make_table(const Wait& wait) {
    const bool locks =
        settings_.lock == DriverSettings::Lock::advisory && !dialect_.driver.lock_query.empty();
    Pauses pauses;
    for (bool done = false; !done;) {
        session_->use(Conn::Writes::yes, wait, [&](db::Connection& connection) {
            const bool locked = locks && try_advisory(connection, wait);
            if (!locks || locked) make_table_in(connection, wait);
            if (locked) give_back(connection, wait);
            done =
                !locks || locked || has_table(connection, settings_.schema, settings_.table, wait);
        });
        if (done) return;
        if (wait.deadline.passed())
            throw Error(Code::migration_locked, "can't acquire lock: another migrator holds it");
        wait.check("the lock of the migrations");
        wait.pause(pauses.next());
    }
}

// ---- the lock
// -------------------------------------------------------------------------------------

std::vector<uint32_t> SqlDriver::ids(std::span<const std::string_view> names) const {
    std::vector<uint32_t> out;
    for (const std::string_view name : names)
        out.push_back(driver_lock_id(
            expanded(name, database_, settings_.schema.empty() ? namespace_ : settings_.schema,
                     settings_.table)));
    return out;
}

bool SqlDriver::lock_call(db::Connection& connection, std::string_view query, uint32_t id,
                          const Wait& wait) const {
    const auto statement = connection.prepare(query, nullptr, wait);
    const std::string text = std::to_string(id);
    statement->bind(
        1, dialect_.driver.lock_id_is_text ? db::Value::text(text) : db::Value::integer(id),
        db::Lifetime::borrowed);
    bool done = false;
    while (statement->next(wait)) done = migrate::truth_of(statement->value(0));
    return done;
}

// All of them or none. Never waits inside of the server, where a blocked session keeps a snapshot.
bool SqlDriver::try_advisory(db::Connection& connection, const Wait& wait) const {
    const std::vector<uint32_t> wanted = ids(dialect_.driver.lock_names);
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        if (lock_call(connection, dialect_.driver.lock_query, wanted[i], wait)) continue;
        while (i > 0) lock_call(connection, dialect_.driver.unlock_query, wanted[--i], wait);
        return false;
    }
    return true;
}

std::string SqlDriver::lock_rows(const std::string& separator) const {
    std::string out;
    for (const uint32_t id : ids(dialect_.driver.lock_row_names))
        out += (out.empty() ? "" : separator) + std::to_string(id);
    return out;
}

bool SqlDriver::try_rows(db::Connection& connection, const Wait& wait) const {
    const std::string table = in_namespace(settings_.lock_table);
    if (!has_table(connection, {}, settings_.lock_table, wait))
        migrate::execute(
            connection,
            "CREATE TABLE IF NOT EXISTS " + table + " (lock_id BIGINT NOT NULL PRIMARY KEY)", wait);
    const auto held = connection.prepare(
        "SELECT 1 FROM " + table + " WHERE lock_id IN (" + lock_rows(", ") + ")", nullptr, wait);
    bool found = false;
    while (held->next(wait)) found = true;
    if (found) return false;
    try {
        migrate::execute(connection,
                         "INSERT INTO " + table + " (lock_id) VALUES (" + lock_rows("), (") + ")",
                         wait);
    } catch (const Error& error) {
        if (error.code() != Code::constraint && error.code() != Code::exists) throw;
        return false;  // another one was faster
    }
    return true;
}

// False: it was not there any more.
bool SqlDriver::give_back(db::Connection& connection, const Wait& wait) const {
    if (settings_.lock == DriverSettings::Lock::table) {
        const auto gone = connection.prepare("DELETE FROM " + in_namespace(settings_.lock_table) +
                                                 " WHERE lock_id IN (" + lock_rows(", ") + ")",
                                             nullptr, wait);
        gone->run(wait);
        return gone->affected() > 0;
    }
    bool all = true;
    for (const uint32_t id : ids(dialect_.driver.lock_names))
        all = lock_call(connection, dialect_.driver.unlock_query, id, wait) && all;
    return all;
}

// Another driver of the same session may have it already.
bool SqlDriver::try_session_lock(db::Connection& connection, const Wait& wait) const {
    auto* const shared = session_->shared_locks();
    if (shared == nullptr) return try_advisory(connection, wait);
    if (!shared->insert(lock_key()).second) return false;
    try {
        if (try_advisory(connection, wait)) return true;
    } catch (...) {
        shared->erase(lock_key());
        throw;
    }
    shared->erase(lock_key());
    return false;
}

std::string SqlDriver::lock_key() const {
    std::string key;
    for (const uint32_t id : ids(dialect_.driver.lock_names)) key += std::to_string(id) + ' ';
    return key;
}

bool SqlDriver::try_lock(const Wait& wait) {
    bool locked = false;
    session_->use(Conn::Writes::no, wait, [&](db::Connection& connection) {
        if (settings_.lock == DriverSettings::Lock::table) {
            locked = try_rows(connection, wait);
        } else if (!dialect_.driver.lock_query.empty()) {
            locked = try_session_lock(connection, wait);
        } else {
            held_ = connection.try_driver_lock();
            locked = held_ != nullptr;
        }
    });
    return locked;
}

void SqlDriver::lock(const Wait& wait) {
    if (settings_.lock == DriverSettings::Lock::none) return;
    Pauses pauses;
    for (;;) {
        // A try is made to its end, also the one when no time is given.
        if (try_lock(Wait{Deadline::in(answer_grace), wait.cancel, wait.shutdown})) break;
        if (wait.deadline.passed())
            throw Error(Code::migration_locked, "can't acquire lock: another migrator holds it");
        wait.check("the lock of the migrations");
        wait.pause(pauses.next());
    }
    session_->hold(true);
}

void SqlDriver::unlock() {
    if (settings_.lock == DriverSettings::Lock::none) return;
    held_.reset();
    if (settings_.lock == DriverSettings::Lock::advisory && dialect_.driver.lock_query.empty())
        return session_->hold(false);
    const Wait wait{Deadline::in(answer_grace), nullptr, nullptr};
    bool given = false;
    try {
        session_->use(Conn::Writes::no, wait,
                      [&](db::Connection& connection) {
                          if (auto* const shared = session_->shared_locks()) shared->erase(lock_key());
                          given = give_back(connection, wait);
                      });
    } catch (...) {
        session_->distrust();  // its end is the lock's, too
        session_->hold(false);
        throw;
    }
    session_->hold(false);
    if (given) return;
    session_->distrust();
    throw Error(Code::unavailable, "the lock of the migrations was lost before it was given back");
}

// ---- texts
// ----------------------------------------------------------------------------------------

Wait SqlDriver::timed(const Wait& wait) const {
    if (settings_.statement_timeout_ms <= 0) return wait;
    Wait timed = wait;
    timed.deadline =
        wait.deadline.earlier(Deadline::in(base::milliseconds(settings_.statement_timeout_ms)));
    return timed;
}

void SqlDriver::run(std::string_view text, const Wait& wait) {
    if (const std::size_t nul = text.find('\0'); nul != text.npos) {
        const base::Position at = base::position_of(text, nul);
        throw migration_failure(
            Error(Code::sql_error, "the text has a NUL byte").with_position(at.line, at.column));
    }
    session_->use(Conn::Writes::yes, wait, [&](db::Connection& connection) {
        try {
            run_on(connection, text, timed(wait));
        } catch (const Error& error) {
            const bool open = connection.in_transaction();
            connection.rollback();  // also what the server itself has given up
            const bool undone = open && error.effect() == Effect::none;
            throw migration_failure(undone ? error.with_effect(Effect::rolled_back) : error);
        } catch (...) {
            connection.rollback();
            throw;
        }
        if (!connection.in_transaction()) return;
        connection.rollback();
        throw Error(Code::migration_failed,
                    "migration failed: the text left a transaction open, which is rolled back")
            .with_effect(Effect::rolled_back);
    });
}

void SqlDriver::run_on(db::Connection& connection, std::string_view text, const Wait& wait) const {
    if (settings_.multi_statement) return run_pieces(connection, text, wait);
    if (settings_.wraps)
        return in_transaction(connection, wait, [&] { run_each(connection, text, true, wait); });
    int64_t statements = 0;
    if (connection.run_script(text, statements, wait)) return;
    if (!dialect_.atomic_scripts) return run_each(connection, text, false, wait);
    int64_t count = 0;
    for (std::string_view rest = text; !rest.empty(); ++count) {
        const db::StatementFacts facts = db::facts_of(rest, dialect_.lexis);
        if (facts.end == 0) break;
        rest.remove_prefix(facts.tail);
    }
    if (count <= 1) return run_each(connection, text, false, wait);
    // One transaction, as the server would make of the text; it refuses there what has to be alone.
    in_transaction(connection, wait, [&] { run_each(connection, text, true, wait); });
}

// One statement after the other. `wrapped`: in a transaction of ours, which none of them may end.
void SqlDriver::run_each(db::Connection& connection, std::string_view text, bool wrapped,
                         const Wait& wait) const {
    const std::string script(text);  // has a NUL behind it
    std::string_view rest = script;
    int64_t done = 0;
    bool committed = false;
    while (!rest.empty()) {
        try {
            std::string_view tail;
            const std::unique_ptr<db::Statement> statement =
                connection.prepare_next(rest, &tail, wait);
            if (statement != nullptr) {
                const db::Control control = statement->control();
                if (statement->parameter_count() > 0)
                    throw Error(Code::sql_error, "a migration takes no parameters");
                if (wrapped && control != db::Control::none && control != db::Control::savepoint)
                    throw Error(Code::sql_error,
                                "a text that is run in a transaction cannot begin or end one");
                statement->run(wait);
                ++done;
                committed = committed || !connection.in_transaction();
            }
            rest = tail;
        } catch (const Error& error) {
            const base::Position at = position_in(script, rest, error, dialect_.lexis);
            const bool partly = committed && !wrapped && error.effect() != Effect::unknown;
            throw error.with_statement(done + 1)
                .with_position(at.line, at.column)
                .with_effect(partly ? Effect::committed : error.effect());
        }
    }
}

// Each in a transaction of its own, or in none where it has to be alone.
void SqlDriver::run_pieces(db::Connection& connection, std::string_view text,
                           const Wait& wait) const {
    int64_t done = 0;
    for (std::string_view rest = text; !rest.empty();) {
        const db::StatementFacts facts = db::facts_of(rest, dialect_.lexis);
        if (facts.end == 0) return;
        const std::string_view piece = rest.substr(0, facts.tail);
        try {
            if (static_cast<int64_t>(piece.size()) > settings_.statement_size_max)
                throw Error(Code::limit, "a statement has " + std::to_string(piece.size()) +
                                             " bytes, more than " +
                                             std::to_string(settings_.statement_size_max))
                    .with_limit("driver.statement_size_max_bytes");
            const auto statement = connection.prepare(piece, nullptr, wait);
            if (statement != nullptr) statement->run(timed(wait));
            ++done;
        } catch (const Error& error) {
            const base::Position at = position_in(text, rest, error, dialect_.lexis);
            const bool partly = done > 0 && error.effect() != Effect::unknown;
            throw error.with_statement(done + 1)
                .with_position(at.line, at.column)
                .with_effect(partly ? Effect::committed : error.effect());
        }
        rest.remove_prefix(facts.tail);
    }
}

// ---- the version
// ----------------------------------------------------------------------------------

void SqlDriver::set_version(int64_t version, bool dirty, const Wait& wait) {
    if (dialect_.driver.place_query.empty()) {
        kept_ = version < 0 && !dirty ? Version{} : Version{version, dirty};
        return;
    }
    session_->use(Conn::Writes::yes, wait, [&](db::Connection& connection) {
        make_table_in(connection, wait);
        in_transaction(connection, wait, [&] {
            migrate::execute(connection, texts_.clear, wait);
            if (version < 0 && !dirty) return;
            const auto insert = connection.prepare(texts_.insert, nullptr, wait);
            insert->bind(1, db::Value::integer(version), db::Lifetime::copied);
            insert->bind(2, db::Value::integer(dirty ? 1 : 0), db::Lifetime::copied);
            insert->run(wait);
        });
    });
}

DriverBody::Version SqlDriver::version(const Wait& wait) {
    if (dialect_.driver.place_query.empty()) return kept_;
    Version found;
    session_->use(Conn::Writes::no, wait, [&](db::Connection& connection) {
        migrate::HistoryView view;
        try {
            migrate::read_golang(connection, texts_, wait, view);
        } catch (const Error&) {
            if (has_table(connection, settings_.schema, settings_.table, wait)) throw;
        }
        found = {view.version, view.dirty};
    });
    return found;
}

// ---- the end of everything
// ------------------------------------------------------------------------

void SqlDriver::drop_all(db::Connection& connection, const Wait& wait) const {
    const db::DriverDialect& driver = dialect_.driver;
    for (const std::string_view query : driver.drop_queries) {
        for (const Row& row : ask(connection, query, wait)) {
            const bool lock = settings_.lock == DriverSettings::Lock::table && row.size() > 1 &&
                              row[1] && *row[1] == settings_.lock_table;
            if (!lock && row[0]) migrate::execute(connection, *row[0], wait);
        }
    }
    if (!settings_.schema.empty() && settings_.schema != namespace_)
        migrate::execute(connection,
                         "DROP TABLE IF EXISTS " + migrate::quoted(settings_.schema, dialect_) +
                             "." + migrate::quoted(settings_.table, dialect_),
                         wait);
}

void SqlDriver::drop(const Wait& wait) {
    const db::DriverDialect& driver = dialect_.driver;
    if (driver.place_query.empty()) {
        kept_ = {};
        return;
    }
    session_->use(Conn::Writes::yes, wait, [&](db::Connection& connection) {
        std::vector<Row> restore;
        if (!driver.before_drop.empty()) {
            restore = ask(connection, driver.restore_query, wait);
            migrate::execute(connection, std::string(driver.before_drop), wait);
        }
        const auto put_back = [&] {
            for (const Row& row : restore)
                migrate::execute(connection, row.at(0).value_or(""), wait);
        };
        try {
            if (driver.drops_together)
                in_transaction(connection, wait, [&] { drop_all(connection, wait); });
            else
                drop_all(connection, wait);
        } catch (...) {
            try {
                put_back();
            } catch (const Error&) {
                session_->distrust();
            }
            throw;
        }
        put_back();
        if (driver.after_drop.empty()) return;
        Wait brief = wait;
        brief.deadline = wait.deadline.earlier(Deadline::in(answer_grace));
        try {
            migrate::execute(connection, std::string(driver.after_drop), brief);
        } catch (const Error&) {
            // Others are reading: the file keeps its size.
        }
    });
}

}  // namespace mtdb::engine
