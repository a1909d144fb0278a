// SPDX-License-Identifier: MIT
#include "control/quiesce_sql.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/text.hpp"
#include "db/placeholders.hpp"

namespace mtdb::control {

struct SqlWords {
    std::string_view dialect;
    std::string_view now;          // the server's clock, as the columns have it
    std::string_view now_us;       // the same as microseconds
    std::string_view later;        // that many milliseconds from now: one '?'
    std::string_view us;           // a column as microseconds
    std::string_view at;           // microseconds as the columns have them: one '?'
    std::string_view insert;       // INSERT that leaves a row alone that is there ...
    std::string_view insert_tail;  // ... and what follows it
    std::string_view upsert;       // what follows an INSERT that replaces the row ...
    std::string_view given;        // ... with each column as it was given
    std::string_view lock;         // behind a SELECT
    db::TransactionMode transaction;
    std::string_view create_flags;
    std::string_view create_mine;
};

namespace {

constexpr std::string_view table_default = "quiesce_flags";
constexpr std::string_view mine_default = "mtdb_quiesce";
constexpr std::size_t idle_max = 2;
constexpr base::milliseconds retry_pause(20);
constexpr int64_t us_per_ms = 1000;
constexpr int64_t stale_ms = 3'600'000;  // an announcement that expired so long ago is nobody's

constexpr SqlWords all_words[] = {
    {
        .dialect = "postgres",
        .now = "pg_catalog.clock_timestamp()",
        .now_us = "(EXTRACT(EPOCH FROM pg_catalog.clock_timestamp()) * 1000000)::bigint",
        .later = "pg_catalog.clock_timestamp() + ?::bigint * INTERVAL '1 millisecond'",
        .us = "CASE WHEN @ IS NULL THEN NULL WHEN pg_catalog.isfinite(@) THEN (EXTRACT(EPOCH FROM @) * 1000000)::bigint"
              " WHEN @ > pg_catalog.now() THEN 9223372036854775807 ELSE 0 END",
        .at = "TIMESTAMPTZ 'epoch' + ?::bigint * INTERVAL '1 microsecond'",
        .insert = "INSERT INTO ",
        .insert_tail = " ON CONFLICT DO NOTHING",
        .upsert = " ON CONFLICT (kind, name) DO UPDATE SET ",
        .given = "EXCLUDED.@",
        .lock = " FOR UPDATE",
        .transaction = {.isolation = db::Isolation::read_committed},
        .create_flags = "CREATE TABLE IF NOT EXISTS @ (id VARCHAR(64) PRIMARY KEY,"
                        " set_at TIMESTAMP WITH TIME ZONE NOT NULL DEFAULT NOW(),"
                        " set_by VARCHAR(255) NOT NULL DEFAULT '', reason TEXT NOT NULL DEFAULT '',"
                        " expires_at TIMESTAMP WITH TIME ZONE NOT NULL, cleared_at TIMESTAMP WITH TIME ZONE)",
        .create_mine = "CREATE TABLE IF NOT EXISTS @ (kind VARCHAR(16) NOT NULL, name VARCHAR(128) NOT NULL,"
                       " set_at TIMESTAMP WITH TIME ZONE, set_by VARCHAR(255) NOT NULL DEFAULT '',"
                       " reason TEXT NOT NULL DEFAULT '', expires_at TIMESTAMP WITH TIME ZONE,"
                       " cleared_at TIMESTAMP WITH TIME ZONE, token VARCHAR(32) NOT NULL DEFAULT '',"
                       " label VARCHAR(255), host VARCHAR(255), pid BIGINT, scopes TEXT, seen TEXT, parked TEXT,"
                       " PRIMARY KEY (kind, name))",
    },
    {
        .dialect = "sqlite",
        .now = "strftime('%Y-%m-%d %H:%M:%f', 'now')",
        .now_us = "CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000",
        .later = "strftime('%Y-%m-%d %H:%M:%f', 'now', (? / 1000.0) || ' seconds')",
        .us = "CAST(ROUND((julianday(@) - 2440587.5) * 86400000) AS INTEGER) * 1000",
        .at = "strftime('%Y-%m-%d %H:%M:%f', ? / 1000000.0, 'unixepoch')",
        .insert = "INSERT INTO ",
        .insert_tail = " ON CONFLICT DO NOTHING",
        .upsert = " ON CONFLICT (kind, name) DO UPDATE SET ",
        .given = "excluded.@",
        .lock = "",
        .transaction = {},
        .create_flags = "CREATE TABLE IF NOT EXISTS @ (id VARCHAR(64) NOT NULL PRIMARY KEY,"
                        " set_at TIMESTAMP NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now')),"
                        " set_by VARCHAR(255) NOT NULL DEFAULT '', reason TEXT NOT NULL DEFAULT '',"
                        " expires_at TIMESTAMP NOT NULL, cleared_at TIMESTAMP)",
        .create_mine = "CREATE TABLE IF NOT EXISTS @ (kind VARCHAR(16) NOT NULL, name VARCHAR(128) NOT NULL,"
                       " set_at TIMESTAMP, set_by VARCHAR(255) NOT NULL DEFAULT '', reason TEXT NOT NULL DEFAULT '',"
                       " expires_at TIMESTAMP, cleared_at TIMESTAMP, token VARCHAR(32) NOT NULL DEFAULT '',"
                       " label VARCHAR(255), host VARCHAR(255), pid BIGINT, scopes TEXT, seen TEXT, parked TEXT,"
                       " PRIMARY KEY (kind, name))",
    },
    {
        .dialect = "mysql",
        .now = "UTC_TIMESTAMP(6)",
        .now_us = "TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(6))",
        .later = "TIMESTAMPADD(MICROSECOND, 1000 * ?, UTC_TIMESTAMP(6))",
        .us = "TIMESTAMPDIFF(MICROSECOND, '1970-01-01', @)",
        .at = "TIMESTAMPADD(MICROSECOND, ?, '1970-01-01')",
        .insert = "INSERT IGNORE INTO ",
        .insert_tail = "",
        .upsert = " ON DUPLICATE KEY UPDATE ",
        .given = "VALUES(@)",
        .lock = " FOR UPDATE",
        .transaction = {.isolation = db::Isolation::read_committed},
        .create_flags = "CREATE TABLE IF NOT EXISTS @ (id VARCHAR(64) NOT NULL PRIMARY KEY,"
                        " set_at DATETIME(6) NOT NULL DEFAULT (UTC_TIMESTAMP(6)),"
                        " set_by VARCHAR(255) NOT NULL DEFAULT '', reason TEXT NOT NULL DEFAULT (''),"
                        " expires_at DATETIME(6) NOT NULL, cleared_at DATETIME(6) NULL)"
                        " ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
        .create_mine = "CREATE TABLE IF NOT EXISTS @ (kind VARCHAR(16) NOT NULL, name VARCHAR(128) NOT NULL,"
                       " set_at DATETIME(6) NULL, set_by VARCHAR(255) NOT NULL DEFAULT '',"
                       " reason TEXT NOT NULL DEFAULT (''), expires_at DATETIME(6) NULL, cleared_at DATETIME(6) NULL,"
                       " token VARCHAR(32) NOT NULL DEFAULT '', label VARCHAR(255) NULL, host VARCHAR(255) NULL,"
                       " pid BIGINT NULL, scopes TEXT NULL, seen TEXT NULL, parked TEXT NULL,"
                       " PRIMARY KEY (kind, name)) ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
    },
};

const SqlWords& words_of(const db::Dialect& dialect) {
    for (const SqlWords& words : all_words)
        if (words.dialect == dialect.name) return words;
    throw Error(Code::unsupported, "quiesce flags cannot be kept in backend '" + std::string(dialect.name) + "'");
}

std::string with(std::string_view text, std::string_view value) {
    std::string out;
    for (const char c : text) {
        if (c == '@')
            out += value;
        else
            out += c;
    }
    return out;
}

bool identifier(std::string_view text) noexcept {
    const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
    return !text.empty() && text.size() <= 63 && letter(text.front()) &&
           std::all_of(text.begin(), text.end(), [&](char c) { return letter(c) || (c >= '0' && c <= '9'); });
}

// The name of the table beside the flags.
std::string mine_of(std::string_view table) {
    const std::size_t dot = table.find('.');
    const std::string_view name = dot == std::string_view::npos ? table : table.substr(dot + 1);
    const std::string prefix = dot == std::string_view::npos ? std::string() : std::string(table.substr(0, dot + 1));
    return prefix + (name == table_default ? std::string(mine_default) : "mtdb_" + std::string(name));
}

int64_t integer_of(const db::Value& value) {
    if (db::carrier_of(value.type) == db::Carrier::integer) return value.slot;
    if (db::carrier_of(value.type) == db::Carrier::real) return static_cast<int64_t>(value.real());
    if (db::carrier_of(value.type) == db::Carrier::none) return 0;
    const std::string_view text = value.view();
    int64_t number = 0;
    std::from_chars(text.data(), text.data() + text.size(), number);
    return number;
}

std::string text_of(const db::Value& value) {
    return db::carrier_of(value.type) == db::Carrier::bytes ? std::string(value.view()) : std::string();
}

std::string joined(const std::vector<std::string>& list) {
    std::string text;
    for (const std::string& each : list) text += (text.empty() ? "" : ",") + each;
    return text;
}

std::vector<std::string> split(std::string_view text) {
    std::vector<std::string> list;
    while (!text.empty()) {
        const std::size_t comma = std::min(text.find(','), text.size());
        if (comma > 0) list.emplace_back(text.substr(0, comma));
        text.remove_prefix(std::min(comma + 1, text.size()));
    }
    return list;
}

db::Value value_of(int64_t number) { return db::Value::integer(number); }
db::Value value_of(std::string_view text) { return db::Value::text(text); }

}  // namespace

std::string table_name(std::string_view text, const db::Dialect& dialect) {
    std::string out;
    std::string_view rest = text;
    for (int part = 0; part < 2; ++part) {
        const std::size_t dot = rest.find('.');
        const std::string_view name = rest.substr(0, dot);
        if (!identifier(name)) break;
        out += std::string(1, dialect.quote) + std::string(name) + dialect.quote;
        if (dot == std::string_view::npos) return out;
        out += '.';
        rest.remove_prefix(dot + 1);
    }
    throw Error(Code::invalid_argument, "'" + base::excerpt(text) + "' is no name of a quiesce table");
}

SqlStore::SqlStore(const db::Dialect& dialect, std::string_view table, Opener opener)
    : dialect_(dialect), words_(words_of(dialect)), opener_(std::move(opener)) {
    const std::string name(table.empty() ? table_default : table);
    flags_ = table_name(name, dialect);
    mine_plain_ = mine_of(name);
    mine_ = table_name(mine_plain_, dialect);
    const auto us = [&](std::string_view column) { return with(words_.us, column); };
    // A token counts only while the row is as its owner wrote it.
    read_sql_ = "SELECT '' AS scope, 0 AS set_at, '' AS set_by, '' AS reason, 0 AS expires_at, NULL AS cleared_at,"
                " '' AS token, " + std::string(words_.now_us) + " AS now_us"
                " UNION ALL SELECT f.id, " + us("f.set_at") + ", f.set_by, f.reason, " + us("f.expires_at") + ", " +
                us("f.cleared_at") + ", COALESCE(o.token, ''), 0 FROM " + flags_ + " f LEFT JOIN " + mine_ +
                " o ON o.kind = 'flag' AND o.name = f.id AND o.set_at = f.set_at AND o.set_by = f.set_by"
                " AND o.reason = f.reason AND o.expires_at = f.expires_at WHERE f.id = 'global'"
                " UNION ALL SELECT m.name, " + us("m.set_at") + ", m.set_by, m.reason, " + us("m.expires_at") + ", " +
                us("m.cleared_at") + ", m.token, 0 FROM " + mine_ +
                " m WHERE m.kind = 'flag' AND m.name <> 'global' AND m.set_at IS NOT NULL"
                " AND (m.cleared_at IS NULL OR m.name = ?)";
    processes_sql_ = "SELECT name, label, host, pid, scopes, seen, parked, " + us("expires_at") + " FROM " + mine_ +
                     " WHERE kind = 'process' AND expires_at > " + std::string(words_.now);
    announce_sql_ = "INSERT INTO " + mine_ + " (kind, name, expires_at, label, host, pid, scopes, seen, parked)"
                    " VALUES ('process', ?, " + std::string(words_.later) + ", ?, ?, ?, ?, ?, ?)" +
                    std::string(words_.upsert);
    for (const std::string_view column : {"expires_at", "seen", "parked"})
        announce_sql_ += (column == "expires_at" ? "" : ", ") + std::string(column) + " = " +
                         with(words_.given, column);
}

// ---- statements ---------------------------------------------------------------------------------

// Runs work on a connection of its own, once more on a new one when a kept one turns out to be dead.
template <class Work>
decltype(auto) SqlStore::on_connection(const Wait& wait, Work&& work) {
    struct Kept {
        Guarded<Connections>& idle;
        std::unique_ptr<db::Connection> connection;
        ~Kept() {
            if (connection == nullptr || connection->end_lease() != db::Reuse::clean) return;
            auto list = idle.lock();
            if (list->size() < idle_max) list->push_back(std::move(connection));
        }
    };
    const auto take = [&]() -> std::unique_ptr<db::Connection> {
        auto list = idle_.lock();
        if (list->empty()) return nullptr;
        std::unique_ptr<db::Connection> connection = std::move(list->back());
        list->pop_back();
        return connection;
    };
    wait.check("the control store");
    Kept kept{idle_, take()};
    if (kept.connection != nullptr) {
        try {
            kept.connection->mark_lease();
            return work(*kept.connection);
        } catch (const Error& error) {
            if (error.code() != Code::unavailable || error.effect() != Effect::none) throw explained(error);
        }
        kept.connection.reset();
    }
    kept.connection = opener_(SqlStore::Missing::fail, wait);
    kept.connection->mark_lease();
    try {
        return work(*kept.connection);
    } catch (const Error& error) {
        throw explained(error);
    }
}

Error SqlStore::explained(const Error& error) const {
    const std::string_view state = error.sqlstate();
    const bool missing = state == "42P01" || state == "42S02" || error.message().starts_with("no such table");
    if (!missing) return error;
    return error.with_code(Code::not_found)
        .with_message("the control store has no table for quiesce flags: mtdb_quiesce_create() makes it");
}

std::unique_ptr<db::Statement> SqlStore::prepared(db::Connection& connection, std::string_view sql,
                                                  std::initializer_list<db::Value> values, const Wait& wait) const {
    const db::Portable portable = db::rewrite_placeholders(sql, dialect_.lexis);
    auto statement = connection.prepare(portable.text, nullptr, wait);
    if (dialect_.lexis.style == db::PlaceholderStyle::question)
        statement->set_order(portable.order, portable.parameters);
    int32_t index = 0;
    for (const db::Value& value : values) statement->bind(++index, value, db::Lifetime::copied);
    return statement;
}

int64_t SqlStore::run(db::Connection& connection, std::string_view sql, std::initializer_list<db::Value> values,
                      const Wait& wait) const {
    const auto statement = prepared(connection, sql, values, wait);
    statement->run(wait);
    return statement->affected();
}

std::string SqlStore::filled(std::string_view text) const {
    std::string out;
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (text.substr(at).starts_with("{flags}")) {
            out += flags_;
            at += 6;
        } else if (text.substr(at).starts_with("{mine}")) {
            out += mine_;
            at += 5;
        } else if (text.substr(at).starts_with("{at}")) {
            out += words_.at;
            at += 3;
        } else {
            out += text[at];
        }
    }
    return out;
}

// ---- reading ------------------------------------------------------------------------------------

Snapshot SqlStore::read(db::Connection& connection, std::string_view scope, const Wait& wait) const {
    const auto statement = prepared(connection, read_sql_, {value_of(scope)}, wait);
    Snapshot snapshot;
    while (statement->next(wait)) {
        Flag flag;
        flag.scope = text_of(statement->value(0));
        if (flag.scope.empty()) {
            snapshot.now = integer_of(statement->value(7));
            continue;
        }
        flag.set_at = integer_of(statement->value(1));
        flag.set_by = text_of(statement->value(2));
        flag.reason = text_of(statement->value(3));
        flag.expires_at = integer_of(statement->value(4));
        if (const db::Value cleared = statement->value(5); cleared.type != db::Type::null)
            flag.cleared_at = integer_of(cleared);
        flag.token = text_of(statement->value(6));
        snapshot.flags.push_back(std::move(flag));
    }
    return snapshot;
}

Snapshot SqlStore::read(std::string_view scope, const Wait& wait) {
    return on_connection(wait, [&](db::Connection& connection) { return read(connection, scope, wait); });
}

std::vector<Announcement> SqlStore::processes(const Wait& wait) {
    return on_connection(wait, [&](db::Connection& connection) {
        const auto statement = prepared(connection, processes_sql_, {}, wait);
        std::vector<Announcement> all;
        while (statement->next(wait)) {
            Announcement each;
            each.process = text_of(statement->value(0));
            each.name = text_of(statement->value(1));
            each.host = text_of(statement->value(2));
            each.pid = integer_of(statement->value(3));
            each.scopes = split(text_of(statement->value(4)));
            each.seen = split(text_of(statement->value(5)));
            each.parked = split(text_of(statement->value(6)));
            each.expires_at = integer_of(statement->value(7));
            all.push_back(std::move(each));
        }
        return all;
    });
}

// ---- writing ------------------------------------------------------------------------------------

void SqlStore::create(const Wait& wait) {
    const auto connection = opener_(SqlStore::Missing::create, wait);
    for (const auto& [text, table] : {std::pair(words_.create_flags, &flags_), std::pair(words_.create_mine, &mine_)}) {
        try {
            run(*connection, with(text, *table), {}, wait);
        } catch (const Error& error) {
            // PostgreSQL: two who make it at the same moment.
            if (error.code() != Code::exists && error.code() != Code::constraint) throw;
        }
    }
}

Flag SqlStore::change_once(db::Connection& connection, const std::string& scope, const Decide& decide,
                           const Wait& wait) const {
    const bool global = scope == global_scope;
    connection.begin(words_.transaction, wait);
    // Our own row first, which all of us lock; then the one that others write too.
    run(connection,
        std::string(words_.insert) + mine_ + " (kind, name) VALUES ('flag', ?)" + std::string(words_.insert_tail),
        {value_of(scope)}, wait);
    if (!words_.lock.empty()) {
        run(connection, filled("SELECT 1 FROM {mine} WHERE kind = 'flag' AND name = ?") + std::string(words_.lock),
            {value_of(scope)}, wait);
        if (global)
            run(connection, filled("SELECT 1 FROM {flags} WHERE id = 'global'") + std::string(words_.lock), {}, wait);
    }
    const Snapshot snapshot = read(connection, scope, wait);
    const Flag* const found = snapshot.find(scope);
    const std::optional<Flag> present = found != nullptr ? std::optional(*found) : std::nullopt;
    const Flag flag = decide(present, snapshot.now);
    write(connection, flag, present.has_value(), wait);
    connection.commit(wait);
    return flag;
}

void SqlStore::write(db::Connection& connection, const Flag& flag, bool present, const Wait& wait) const {
    const db::Value set = value_of(flag.set_at), by = value_of(flag.set_by), reason = value_of(flag.reason);
    const db::Value expires = value_of(flag.expires_at), scope = value_of(flag.scope), token = value_of(flag.token);
    if (flag.cleared_at) {  // and nothing else: the row may be another's, with times that only its writer can write
        const db::Value cleared = value_of(*flag.cleared_at);
        if (flag.scope == global_scope)
            run(connection, filled("UPDATE {flags} SET cleared_at = {at} WHERE id = ?"), {cleared, scope}, wait);
        run(connection, filled("UPDATE {mine} SET cleared_at = {at} WHERE kind = 'flag' AND name = ?"),
            {cleared, scope}, wait);
        return;
    }
    if (flag.scope == global_scope && !present)
        run(connection,
            filled("INSERT INTO {flags} (id, set_at, set_by, reason, expires_at) VALUES (?, {at}, ?, ?, {at})"),
            {scope, set, by, reason, expires}, wait);
    else if (flag.scope == global_scope)
        run(connection,
            filled("UPDATE {flags} SET set_at = {at}, set_by = ?, reason = ?, expires_at = {at}, cleared_at = NULL"
                   " WHERE id = ?"),
            {set, by, reason, expires, scope}, wait);
    run(connection,
        filled("UPDATE {mine} SET set_at = {at}, set_by = ?, reason = ?, expires_at = {at}, cleared_at = NULL,"
               " token = ? WHERE kind = 'flag' AND name = ?"),
        {set, by, reason, expires, token, scope}, wait);
}

// Again after what may pass: a deadlock, or a row that somebody else made meanwhile.
Flag SqlStore::change(const std::string& scope, const Decide& decide, const Wait& wait) {
    for (;;) {
        bool decided = false;  // then the error is the answer
        try {
            return on_connection(wait, [&](db::Connection& connection) {
                try {
                    return change_once(
                        connection, scope,
                        [&](const std::optional<Flag>& present, Micros now) {
                            try {
                                return decide(present, now);
                            } catch (...) {
                                decided = true;
                                throw;
                            }
                        },
                        wait);
                } catch (const Error& error) {
                    connection.rollback();
                    throw error.effect() == Effect::unknown ? error : error.with_effect(Effect::none);
                }
            });
        } catch (const Error& error) {
            const bool again = error.code() == Code::constraint || error.code() == Code::serialization ||
                               error.code() == Code::busy;
            if (decided || !again || error.effect() == Effect::unknown || wait.over()) throw;
        }
        wait.pause(retry_pause);
    }
}

Flag SqlStore::set(const SetRequest& request, const Wait& wait) {
    const std::string token = new_token();
    return change(
        request.scope,
        [&](const std::optional<Flag>& present, Micros now) {
            check_set(present, now, request.force);
            return Flag{request.scope,   now,  request.by, request.reason, now + request.ttl_ms * us_per_ms,
                        std::nullopt, token};
        },
        wait);
}

Flag SqlStore::renew(const std::string& scope, std::string_view token, int64_t ttl_ms, const Wait& wait) {
    return change(
        scope,
        [&](const std::optional<Flag>& present, Micros now) {
            check_renew(present, now, token);
            Flag flag = *present;
            flag.expires_at = now + ttl_ms * us_per_ms;
            return flag;
        },
        wait);
}

Flag SqlStore::clear(const std::string& scope, std::string_view token, bool force, const Wait& wait) {
    return change(
        scope,
        [&](const std::optional<Flag>& present, Micros now) {
            check_clear(present, now, token, force);
            Flag flag = *present;
            flag.cleared_at = now;
            return flag;
        },
        wait);
}

void SqlStore::announce(const Announcement& announcement, int64_t lifetime_ms, const Wait& wait) {
    const std::string scopes = joined(announcement.scopes);
    const std::string seen = joined(announcement.seen);
    const std::string parked = joined(announcement.parked);
    on_connection(wait, [&](db::Connection& connection) {
        run(connection, announce_sql_,
            {value_of(announcement.process), value_of(lifetime_ms), value_of(announcement.name),
             value_of(announcement.host), value_of(announcement.pid), value_of(scopes), value_of(seen),
             value_of(parked)},
            wait);
    });
}

void SqlStore::withdraw(const std::string& process, const Wait& wait) {
    on_connection(wait, [&](db::Connection& connection) {
        run(connection, filled("DELETE FROM {mine} WHERE kind = 'process' AND name = ?"), {value_of(process)}, wait);
        run(connection,
            filled("DELETE FROM {mine} WHERE kind = 'process' AND expires_at < ") + std::string(words_.later),
            {value_of(-stale_ms)}, wait);
    });
}

}  // namespace mtdb::control
