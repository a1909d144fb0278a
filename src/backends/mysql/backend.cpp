// SPDX-License-Identifier: MIT
#include "backends/mysql/backend.hpp"

#include <algorithm>
#include <utility>

#include "backends/mysql/mysql.hpp"
#include "base/text.hpp"

namespace mtdb::backends::mysql {
namespace {

using Rows = std::vector<std::vector<std::string>>;

constexpr base::milliseconds lock_pause(5), lock_pause_max(50);

constexpr db::Reserved reserved_names[] = {
    {"mysql", db::Reserved::Match::whole, "a database of the server's own"},
    {"sys", db::Reserved::Match::whole, "a database of the server's own"},
    {"performance_schema", db::Reserved::Match::whole, "a database of the server's own"},
    {"information_schema", db::Reserved::Match::whole, "a database of the server's own"},
    {"public", db::Reserved::Match::whole, "the shared tables of gorm-multitenancy"},
    {"ndbinfo", db::Reserved::Match::whole, "a database of the server's own"},
    {"lost+found", db::Reserved::Match::whole, "a folder of the server's file system"},
};

constexpr std::string_view lock_names[] = {"%d:%t"};
constexpr std::string_view lock_row_names[] = {"%d"};
constexpr std::string_view system_databases[] = {"mysql", "sys", "performance_schema", "information_schema"};

constexpr std::string_view drop_statements[] = {
    "SELECT CONCAT('DROP ', IF(table_type IN ('VIEW', 'SEQUENCE'), table_type, 'TABLE'), ' IF EXISTS `',"
    " REPLACE(table_name, '`', '``'), '`'), table_name FROM information_schema.tables WHERE table_schema = DATABASE()"
    " AND BINARY table_schema = BINARY DATABASE() ORDER BY table_type <> 'VIEW', table_name",
    "SELECT CONCAT('DROP ', routine_type, ' IF EXISTS `', REPLACE(routine_name, '`', '``'), '`')"
    " FROM information_schema.routines WHERE routine_schema = DATABASE()"
    " AND BINARY routine_schema = BINARY DATABASE()",
    "SELECT CONCAT('DROP EVENT IF EXISTS `', REPLACE(event_name, '`', '``'), '`') FROM information_schema.events"
    " WHERE event_schema = DATABASE() AND BINARY event_schema = BINARY DATABASE()",
};

// Within the present database: events, routines, views, then tables, which take their triggers with them.
#define NAME_OF(column) "'`', REPLACE(" column ", '`', '``'), '`'"
constexpr std::string_view empty_queries[] = {
    "SELECT CONCAT('DROP EVENT IF EXISTS ', " NAME_OF("event_name") ") FROM information_schema.events"
    " WHERE event_schema=DATABASE()",
    "SELECT CONCAT('DROP ', routine_type, ' IF EXISTS ', " NAME_OF("routine_name") ")"
    " FROM information_schema.routines WHERE routine_schema=DATABASE() AND routine_type IN ('FUNCTION','PROCEDURE')",
    "SELECT CONCAT('DROP VIEW IF EXISTS ', " NAME_OF("table_name") ") FROM information_schema.tables"
    " WHERE table_schema=DATABASE() AND table_type='VIEW'",
    "SELECT CONCAT(IF(table_type='SEQUENCE', 'DROP SEQUENCE IF EXISTS ', 'DROP TABLE IF EXISTS '), " NAME_OF(
        "table_name") ") FROM information_schema.tables"
    " WHERE table_schema=DATABASE() AND table_type IN ('BASE TABLE','SEQUENCE','SYSTEM VERSIONED')",
};
#undef NAME_OF

constexpr db::Dialect server_dialect{
    .name = "mysql",
    .quote = '`',
    .tenant_unit = db::Namespace::database,
    .shares_connections = true,
    .transactional_ddl = false,
    .single_writer = false,
    .concurrent_results = false,
    .persistent = true,
    .lexis = lexis,
    .reserved = reserved_names,
    .folds_names = false,
    .ping = "SELECT 1",
    .history =
        {
            .current_namespace = "",
            .tables_query = "SELECT table_name FROM information_schema.tables WHERE table_schema=DATABASE()",
            .histories_query = "SELECT table_schema, table_name FROM information_schema.tables WHERE table_name",
            .flyway_integer = "INT",
            .flyway_timestamp = "TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP",
            .flyway_primary_key_inline = false,
            .golang_columns = "(version bigint not null primary key, dirty boolean not null)",
            .golang_index = false,
            .flyway_user = "SUBSTRING_INDEX(USER(), '@', 1)",
            .place_query = "SELECT DATABASE(), SUBSTRING_INDEX(USER(), '@', 1), DATABASE()",
            .empty_queries = empty_queries,
            .before_empty = "SET foreign_key_checks=0",
            .after_empty = "SET foreign_key_checks=1",
        },
    .driver =
        {
            .place_query = "SELECT DATABASE(), DATABASE()",
            .table_query = "SELECT 1 FROM information_schema.tables WHERE table_schema = ? AND table_name = ?",
            .lock_query = "SELECT GET_LOCK(?, 0)",
            .unlock_query = "SELECT RELEASE_LOCK(?)",
            .lock_id_is_text = true,
            .lock_names = lock_names,
            .lock_row_names = lock_row_names,
            .protected_namespaces = system_databases,
            .drop_queries = drop_statements,
            .before_drop = "SET foreign_key_checks=0",
            .restore_query = "SELECT CONCAT('SET foreign_key_checks=', @@foreign_key_checks)",
        },
    .locks =
        {
            .keys = db::LockDialect::Keys::names,
            .place_query = "SELECT DATABASE(), DATABASE()",
            .try_session = "SELECT GET_LOCK({keys}, 0)",
            .release_session = "SELECT RELEASE_LOCK({keys})",
            .bound_session = "SET SESSION innodb_lock_wait_timeout = {s}, SESSION lock_wait_timeout = {s}",
            // Who may not see others' sessions hears the number alone.
            .holder_query = "SELECT IS_USED_LOCK({keys}), (SELECT p.USER FROM information_schema.PROCESSLIST p"
                            " WHERE p.ID = IS_USED_LOCK({keys})), (SELECT LEFT(p.INFO, 200)"
                            " FROM information_schema.PROCESSLIST p WHERE p.ID = IS_USED_LOCK({keys}))",
            .blocker_query = "SELECT p.ID, p.USER, LEFT(p.INFO, 200) FROM information_schema.INNODB_TRX t"
                             " JOIN information_schema.PROCESSLIST p ON p.ID = t.trx_mysql_thread_id"
                             " WHERE (p.DB = DATABASE() OR p.DB IS NULL) AND p.ID <> CONNECTION_ID()"
                             " ORDER BY p.DB IS NULL, t.trx_started LIMIT 1",
        },
    .journal =
        {
            .columns = "(id INT NOT NULL PRIMARY KEY, epoch BIGINT NOT NULL, holder VARCHAR(300) NOT NULL,"
                       " expires_at DATETIME(6) NOT NULL, script VARCHAR(1000) NOT NULL,"
                       " direction VARCHAR(4) NOT NULL, target BIGINT NOT NULL, statement BIGINT NOT NULL,"
                       " stage VARCHAR(10) NOT NULL, hash_before BIGINT NOT NULL, hash_statement BIGINT NOT NULL,"
                       " origin VARCHAR(40) NOT NULL, evidence TEXT NOT NULL)"
                       " ENGINE = InnoDB DEFAULT CHARSET = utf8mb4",
            .for_update = " FOR UPDATE",
            .flyway_origin = "CAST(UNIX_TIMESTAMP(h.installed_on) AS CHAR)",
            .holder = "CONCAT(CONNECTION_ID(), '@', @@hostname, ':', @@port)",
            .ahead = "UTC_TIMESTAMP(6) + INTERVAL {ms} * 1000 MICROSECOND",
            .partial_locks_query = "SHOW VARIABLES LIKE 'wsrep_on'",
            .gone_query = "SELECT CASE WHEN '{holder}' NOT LIKE CONCAT('%@', @@hostname, ':', @@port) THEN NULL"
                          " ELSE NOT EXISTS (SELECT 1 FROM information_schema.PROCESSLIST p"
                          " WHERE p.ID = SUBSTRING_INDEX('{holder}', '@', 1)) END",
            .show = "SHOW CREATE {kind} {name}",
            .unsafe_tables_query = "SELECT t.table_name FROM information_schema.tables t"
                                   " WHERE t.table_schema IN (DATABASE(){more}) AND t.table_type = 'BASE TABLE'"
                                   " AND t.engine <> 'InnoDB'",
            .detours_query = "SELECT v.table_name, v.view_definition FROM information_schema.views v"
                             " WHERE v.table_schema IN (DATABASE(){more})"
                             " UNION ALL SELECT t.event_object_table, t.action_statement"
                             " FROM information_schema.triggers t WHERE t.trigger_schema IN (DATABASE(){more})"
                             " UNION ALL SELECT r.routine_name, r.routine_definition"
                             " FROM information_schema.routines r WHERE r.routine_schema IN (DATABASE(){more})",
        },
};

constexpr std::string_view not_system = " NOT IN ('mysql','sys','performance_schema','information_schema') ";

// Within an Operation. Throws what the server says, or why the wait is over.
Reply checked(Session& session, Operation& operation, Reply reply) {
    operation.settle();
    if (reply.kind != Reply::Kind::error) return reply;
    if (operation.over()) throw operation.error("the server").with_effect(Effect::unknown);
    throw server_error(reply.error).with_effect(session.broken() ? Effect::unknown : Effect::none);
}

Reply run(Session& session, std::string_view sql, const Wait& wait) {
    wait.check("the server");
    Operation operation(session, wait, Operation::Kill::allowed);
    return checked(session, operation, session.run(sql));
}

Rows select(Session& session, std::string_view sql, const Wait& wait) {
    wait.check("the server");
    Operation operation(session, wait, Operation::Kill::allowed);
    Rows rows;
    checked(session, operation, session.select(sql, rows));
    return rows;
}

bool has_database(Session& session, const std::string& name, const Wait& wait) {
    // Compared as bytes: the catalogue's collation folds case.
    return !select(session,
                   "SELECT 1 FROM information_schema.schemata WHERE schema_name=" + literal(name) +
                       " AND BINARY schema_name=BINARY " + literal(name),
                   wait)
                .empty();
}

bool has_tables(Session& session, const std::string& database, const Wait& wait) {
    return !select(session,
                   "SELECT 1 FROM information_schema.tables WHERE table_schema=" + literal(database) + " LIMIT 1", wait)
                .empty();
}

class Names final : public db::TenantCursor {
public:
    explicit Names(Rows rows) : rows_(std::move(rows)) {}
    std::optional<std::string> next() override {
        if (at_ == rows_.size()) return std::nullopt;
        return std::move(rows_[at_++].front());
    }

private:
    Rows rows_;
    std::size_t at_ = 0;
};

Error unknown(const std::string& name) {
    return Error(Code::tenant_unknown, "there is no database '" + base::excerpt(name) + "'");
}

}  // namespace

const db::Dialect& dialect() noexcept { return server_dialect; }

ServerBackend::ServerBackend(const db::Url& url, const db::Settings& settings)
    : conninfo_(std::make_shared<const Conninfo>(Conninfo::read(url, settings))),
      shared_(settings.text("tenant.shared")),
      drop_batch_(static_cast<std::size_t>(std::max<int64_t>(settings.integer("drop.batch"), 1))),
      retry_(db::Retry::of(settings)) {}

std::shared_ptr<const Conninfo> ServerBackend::conninfo_for(const db::Place& place) const {
    if (place.server.empty()) return conninfo_;
    return std::make_shared<const Conninfo>(conninfo_->changed(place.server));
}

std::unique_ptr<db::Connection> ServerBackend::open(const db::Place& place, const Wait& wait) {
    wait.check("a connection to the server");
    std::shared_ptr<const Conninfo> conninfo = conninfo_for(place);
    const bool own = place.path.empty() && (!place.server.empty() || !conninfo->database.empty());
    const std::string database = own ? conninfo->database : "information_schema";
    auto session = std::make_unique<Session>(std::move(conninfo), database, wait);
    return std::make_unique<Connection>(std::move(session), own);
}

std::unique_ptr<Session> ServerBackend::session_for(const db::Place& place, const Wait& wait) const {
    wait.check("a connection to the server");
    return std::make_unique<Session>(conninfo_for(place), std::string(), wait);
}

// The tenant's database; never one of the server's own or the shared one.
std::string ServerBackend::database_of(const db::Place& place, const Session& session) const {
    const std::string& name = place.path.empty() ? session.conninfo().database : place.path;
    if (is_system(name))
        throw Error(Code::permission, "database '" + base::excerpt(name) + "' is the server's own");
    if (!shared_.empty() && base::equal_fold(name, shared_))
        throw Error(Code::permission, "database '" + base::excerpt(name) + "' holds the shared tables");
    check_name(name, session.folds_names());
    return name;
}

// One creator at a time, by the lock that gorm-multitenancy would take for a name of ours.
void ServerBackend::lock(Session& session, std::string_view name, const Wait& wait) const {
    const std::string key = literal("mtdb:" + std::string(name));
    const std::string query = "SELECT GET_LOCK(IF(LENGTH(" + key + ")<=64," + key + ",SHA1(" + key + ")),0)";
    for (base::milliseconds pause = lock_pause;; pause = std::min(pause * 2, lock_pause_max)) {
        const Rows got = select(session, query, wait);
        if (!got.empty() && got.front().front() == "1") return;
        wait.check("another creation of the same tenant");
        wait.pause(pause);
    }
}

void ServerBackend::create_database(Session& session, const std::string& name, const Wait& wait) const {
    lock(session, name, wait);
    try {
        run(session, "CREATE DATABASE " + quoted(name) + " CHARACTER SET utf8mb4", wait);
    } catch (const Error& error) {
        if (error.code() == Code::exists)
            throw error.with_message("there is a database '" + base::excerpt(name) + "'");
        throw;
    }
}

void ServerBackend::create(const db::Place& place, const Wait& wait) {
    retry_.run(wait, [&] {
        const std::unique_ptr<Session> session = session_for(place, wait);
        create_database(*session, database_of(place, *session), wait);
    });
}

void ServerBackend::make_shared(const db::Place& place, const Wait& wait) {
    retry_.run(wait, [&] {
        const std::unique_ptr<Session> session = session_for(place, wait);
        if (!has_database(*session, place.path, wait)) create_database(*session, place.path, wait);
    });
}

bool ServerBackend::exists(const db::Place& place, const Wait& wait) {
    return retry_.run(wait, [&] {
        const std::unique_ptr<Session> session = session_for(place, wait);
        return has_database(*session, database_of(place, *session), wait);
    });
}

std::unique_ptr<db::TenantCursor> ServerBackend::list(const Wait& wait) {
    std::string query = "SELECT schema_name FROM information_schema.schemata WHERE LOWER(schema_name)";
    query += not_system;
    if (!shared_.empty()) query += "AND schema_name<>" + literal(shared_);
    query += " ORDER BY BINARY schema_name";
    return retry_.run(wait, [&] { return std::make_unique<Names>(select(*session_for({}, wait), query, wait)); });
}

void ServerBackend::drop_tables(Session& session, const std::string& database, const Wait& wait) const {
    run(session, "SET foreign_key_checks=0", wait);
    const Rows tables = select(session,
                               "SELECT table_name,table_type FROM information_schema.tables WHERE table_schema=" +
                                   literal(database) + " AND BINARY table_schema=BINARY " + literal(database),
                               wait);
    for (const bool views : {true, false}) {
        std::string names;
        std::size_t count = 0;
        const auto flush = [&] {
            if (count == 0) return;
            run(session, (views ? "DROP VIEW IF EXISTS " : "DROP TABLE IF EXISTS ") + names, wait);
            names.clear();
            count = 0;
        };
        for (const std::vector<std::string>& table : tables) {
            if ((table[1] == "VIEW") != views) continue;
            if (count > 0) names += ',';
            names += quoted(database) + "." + quoted(table[0]);
            if (++count == drop_batch_) flush();
        }
        flush();
    }
}

void ServerBackend::drop(const db::Place& place, const Wait& wait) {
    retry_.run(wait, [&] {
        const std::unique_ptr<Session> session = session_for(place, wait);
        const std::string name = database_of(place, *session);
        if (!has_database(*session, name, wait)) throw unknown(name);
        drop_tables(*session, name, wait);
        run(*session, "DROP DATABASE " + quoted(name), wait);
    });
}

// What RENAME TABLE leaves behind or breaks.
void ServerBackend::check_movable(Session& session, const std::string& database, const Wait& wait) const {
    const std::string name = literal(database);
    struct Kind {
        const char* query;
        const char* what;
    };
    constexpr Kind kinds[] = {
        {"SELECT table_name FROM information_schema.views WHERE table_schema=", "view"},
        {"SELECT trigger_name FROM information_schema.triggers WHERE trigger_schema=", "trigger"},
        {"SELECT routine_name FROM information_schema.routines WHERE routine_schema=", "routine"},
        {"SELECT event_name FROM information_schema.events WHERE event_schema=", "event"},
    };
    for (const Kind& kind : kinds) {
        const Rows found = select(session, kind.query + name + " LIMIT 1", wait);
        if (found.empty()) continue;
        throw Error(Code::unsupported, "database '" + base::excerpt(database) + "' has the " + kind.what + " '" +
                                           base::excerpt(found.front().front()) +
                                           "', which cannot be renamed with it");
    }
}

void ServerBackend::rename(const db::Place& place, const db::Place& target, const Wait& wait) {
    if (place.server != target.server)
        throw Error(Code::unsupported, "a tenant cannot be renamed to another server");
    retry_.run(wait, [&] {
        const std::unique_ptr<Session> session = session_for(place, wait);
        rename_database(*session, database_of(place, *session), database_of(target, *session), wait);
    });
}

void ServerBackend::rename_database(Session& session, const std::string& from, const std::string& to,
                                    const Wait& wait) const {
    lock(session, to, wait);
    const Rows facts = select(session,
                              "SELECT default_character_set_name,default_collation_name FROM "
                              "information_schema.schemata WHERE schema_name=" +
                                  literal(from) + " AND BINARY schema_name=BINARY " + literal(from),
                              wait);
    if (facts.empty()) throw unknown(from);
    if (has_database(session, to, wait))
        throw Error(Code::exists, "there is a database '" + base::excerpt(to) + "'");
    check_movable(session, from, wait);
    run(session,
        "CREATE DATABASE " + quoted(to) + " CHARACTER SET " + facts.front()[0] + " COLLATE " + facts.front()[1],
        wait);
    move_tables(session, from, to, wait);
    try {
        if (has_tables(session, from, wait))
            throw Error(Code::busy, "database '" + base::excerpt(from) + "' got new tables while it was renamed");
        run(session, "DROP DATABASE " + quoted(from), wait);
    } catch (const Error& error) {
        throw error.with_effect(error.effect() == Effect::unknown ? Effect::unknown : Effect::committed);
    }
}

// All in one statement, so that none or all have moved.
void ServerBackend::move_tables(Session& session, const std::string& from, const std::string& to,
                                const Wait& wait) const {
    try {
        const Rows tables =
            select(session,
                   "SELECT table_name FROM information_schema.tables WHERE table_schema=" + literal(from) +
                       " AND BINARY table_schema=BINARY " + literal(from),
                   wait);
        std::string moves;
        for (const std::vector<std::string>& table : tables) {
            moves += moves.empty() ? "RENAME TABLE " : ",";
            moves += quoted(from) + "." + quoted(table[0]) + " TO " + quoted(to) + "." + quoted(table[0]);
        }
        if (!moves.empty()) run(session, moves, wait);
    } catch (const Error& error) {
        if (!session.broken() && error.effect() != Effect::unknown && !has_tables(session, to, wait))
            run(session, "DROP DATABASE " + quoted(to), Wait::forever());
        throw;
    }
}

void ServerBackend::copy(db::Connection&, const db::Place&, const Wait&) {
    throw Error(Code::unsupported, "mysql tenants cannot be copied");
}

std::unique_ptr<db::Backend> make(const db::Url& url, const db::Settings& settings) {
    return std::make_unique<ServerBackend>(url, settings);
}

}  // namespace mtdb::backends::mysql
