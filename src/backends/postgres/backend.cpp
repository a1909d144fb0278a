// SPDX-License-Identifier: MIT
#include "backends/postgres/backend.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "backends/postgres/postgres.hpp"
#include "base/error.hpp"
#include "base/text.hpp"

namespace mtdb::backends::postgres {
namespace {

using Match = db::Reserved::Match;
constexpr db::Reserved reserved[] = {
    {"pg_", Match::beginning, "PostgreSQL keeps names that begin with pg_ for itself"},
    {"public", Match::whole, "it is PostgreSQL's common schema"},
    {"information_schema", Match::whole, "it is PostgreSQL's catalogue"},
    {"postgres", Match::whole, "it is PostgreSQL's own database"},
    {"template0", Match::whole, "it is PostgreSQL's own database"},
    {"template1", Match::whole, "it is PostgreSQL's own database"},
    {parking_schema, Match::whole, "connections without a tenant stand there"},
};

constexpr std::string_view lock_names[] = {"%s%0%t%0%d", "%s%0%t%0/%d"};  // by connection, and by url
constexpr std::string_view lock_row_names[] = {"%d", "/%d"};

// What no extension owns. Relations first: they take their indexes, sequences and types along.
constexpr std::string_view drop_statements[] = {
    "SELECT pg_catalog.format('DROP %s IF EXISTS %I.%I CASCADE', CASE c.relkind WHEN 'v' THEN 'VIEW'"
    " WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'S' THEN 'SEQUENCE' WHEN 'f' THEN 'FOREIGN TABLE' ELSE 'TABLE' END,"
    " n.nspname, c.relname), c.relname::text FROM pg_catalog.pg_class c"
    " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
    " WHERE n.nspname = $1 AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f') AND NOT EXISTS (SELECT 1 FROM"
    " pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid"
    " AND d.deptype IN ('e', 'i')) ORDER BY c.relkind NOT IN ('r', 'p'), c.relname",
    "SELECT pg_catalog.format('DROP ROUTINE IF EXISTS %I.%I(%s) CASCADE', n.nspname, p.proname,"
    " pg_catalog.pg_get_function_identity_arguments(p.oid)) FROM pg_catalog.pg_proc p"
    " JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = $1 AND NOT EXISTS (SELECT 1 FROM"
    " pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.objid = p.oid"
    " AND d.deptype IN ('e', 'i'))",
    "SELECT pg_catalog.format('DROP %s IF EXISTS %I.%I CASCADE', CASE t.typtype WHEN 'd' THEN 'DOMAIN' ELSE 'TYPE' END,"
    " n.nspname, t.typname) FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace"
    " LEFT JOIN pg_catalog.pg_class c ON c.oid = t.typrelid WHERE n.nspname = $1"
    " AND (t.typtype IN ('d', 'e', 'r') OR (t.typtype = 'c' AND c.relkind = 'c')) AND NOT EXISTS (SELECT 1 FROM"
    " pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_type'::pg_catalog.regclass AND d.objid = t.oid"
    " AND d.deptype IN ('e', 'i'))",
};

// As a schema that is dropped is emptied, object by object: constraints first, so that no table waits for another.
#define NOT_OF_EXTENSION(catalog, object)                                                        \
    " AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog." catalog \
    "'::regclass"                                                                                \
    " AND d.objid = " object ".oid AND d.deptype IN ('i', 'e'))"
constexpr std::string_view empty_queries[] = {
    "SELECT pg_catalog.format('ALTER TABLE %s DROP CONSTRAINT IF EXISTS %I', c.conrelid::regclass, c.conname)"
    " FROM pg_catalog.pg_constraint c JOIN pg_catalog.pg_class t ON t.oid = c.conrelid"
    " JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace"
    " WHERE c.contype = 'f' AND c.conparentid = 0 AND n.nspname = pg_catalog.current_schema()",
    "SELECT pg_catalog.format('DROP %s IF EXISTS %I.%I CASCADE',"
    " CASE c.relkind WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'VIEW' END, n.nspname, c.relname)"
    " FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
    " WHERE c.relkind IN ('v', 'm') AND n.nspname = pg_catalog.current_schema()" NOT_OF_EXTENSION("pg_class", "c") "",
    "SELECT pg_catalog.format('DROP %s IF EXISTS %I.%I CASCADE',"
    " CASE c.relkind WHEN 'f' THEN 'FOREIGN TABLE' ELSE 'TABLE' END, n.nspname, c.relname)"
    " FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
    " WHERE c.relkind IN ('r', 'p', 'f') AND n.nspname = pg_catalog.current_schema()" NOT_OF_EXTENSION(
        "pg_class",
        "c") " AND NOT EXISTS (SELECT FROM pg_catalog.pg_inherits i WHERE i.inhparent = c.oid)",
    "SELECT pg_catalog.format('DROP SEQUENCE IF EXISTS %I.%I CASCADE', n.nspname, c.relname)"
    " FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
    " WHERE c.relkind = 'S' AND n.nspname = pg_catalog.current_schema()" NOT_OF_EXTENSION("pg_class", "c") "",
    "SELECT pg_catalog.format('DROP ROUTINE IF EXISTS %s CASCADE', p.oid::regprocedure)"
    " FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace"
    " WHERE p.prokind <> 'a' AND n.nspname = pg_catalog.current_schema()" NOT_OF_EXTENSION("pg_proc", "p") "",
    "SELECT pg_catalog.format('DROP TYPE IF EXISTS %I.%I CASCADE', n.nspname, t.typname)"
    " FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace"
    " LEFT JOIN pg_catalog.pg_class c ON c.oid = t.typrelid"
    " WHERE n.nspname = pg_catalog.current_schema()"
    " AND (t.typtype IN ('e', 'd') OR (t.typtype = 'c' AND c.relkind = 'c'))" NOT_OF_EXTENSION(
        "pg_type", "t") "",
    "SELECT pg_catalog.format('DROP AGGREGATE IF EXISTS %s CASCADE', p.oid::regprocedure)"
    " FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace"
    " WHERE p.prokind = 'a' AND n.nspname = pg_catalog.current_schema()" NOT_OF_EXTENSION("pg_proc", "p"),
    "SELECT pg_catalog.format('DROP COLLATION IF EXISTS %I.%I CASCADE', n.nspname, c.collname)"
    " FROM pg_catalog.pg_collation c JOIN pg_catalog.pg_namespace n ON n.oid = c.collnamespace"
    " WHERE n.nspname = pg_catalog.current_schema()" NOT_OF_EXTENSION("pg_collation", "c"),
};
#undef NOT_OF_EXTENSION

constexpr db::Dialect postgres_dialect{
    .name = "postgres",
    .quote = '"',
    .tenant_unit = db::Namespace::schema,
    .shares_connections = true,
    .transactional_ddl = true,
    .atomic_scripts = true,
    .concurrent_results = false,
    .lexis = lexis,
    .reserved = reserved,
    .history =
        {
            .current_namespace = {},
            // No index leads from a namespace to its tables, but what depends on it is in one; the named ones are also
            // found where a server keeps no such rows.
            .tables_query = "SELECT c.relname FROM pg_catalog.pg_class c WHERE c.relkind IN ('r', 'p')"
                            " AND c.relname IN ('{names}') AND c.relnamespace = (SELECT n.oid FROM"
                            " pg_catalog.pg_namespace n WHERE n.nspname = pg_catalog.current_schema())"
                            " UNION SELECT c.relname FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_class c"
                            " ON c.oid = d.objid WHERE d.refclassid = 'pg_catalog.pg_namespace'::pg_catalog.regclass"
                            " AND d.refobjid = (SELECT n.oid FROM pg_catalog.pg_namespace n"
                            " WHERE n.nspname = pg_catalog.current_schema())"
                            " AND d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass"
                            " AND c.relkind IN ('r', 'p') ORDER BY 1",
            // By functions that look a name up: sessions that move between schemas plan anew each time, and this is
            // planned in a fifth of the time.
            .probe_query = "SELECT c.relname FROM pg_catalog.pg_class c WHERE c.relkind IN ('r', 'p') AND c.oid ="
                           " ANY (ARRAY(SELECT pg_catalog.to_regclass(pg_catalog.quote_ident("
                           "pg_catalog.current_schema()) || '.' || pg_catalog.quote_ident(n))::pg_catalog.oid"
                           " FROM pg_catalog.unnest(ARRAY['{names}']::pg_catalog.text[]) n))",
            .any_table_query = "SELECT 1 FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_class c ON c.oid = d.objid"
                               " WHERE d.refclassid = 'pg_catalog.pg_namespace'::pg_catalog.regclass"
                               " AND d.refobjid = pg_catalog.to_regnamespace(pg_catalog.quote_ident("
                               "pg_catalog.current_schema()))::pg_catalog.oid"
                               " AND d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass"
                               " AND c.relkind IN ('r', 'p') LIMIT 1",
            .histories_query = "SELECT n.nspname, c.relname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n"
                               " ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p') AND c.relname",
            .flyway_integer = "INTEGER",
            .flyway_timestamp = "TIMESTAMP NOT NULL DEFAULT now()",
            .flyway_primary_key_inline = false,
            .golang_columns = "(version bigint not null primary key, dirty boolean not null)",
            .golang_index = false,
            .flyway_user = "current_user",
            .place_query = "SELECT pg_catalog.current_schema(), current_user, pg_catalog.current_database()",
            .younger_query = "SELECT c.relname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n"
                             " ON n.oid = c.relnamespace WHERE n.nspname = pg_catalog.current_schema()"
                             " AND c.relkind IN ('r', 'p') AND pg_catalog.age(c.xmin) <"
                             " (SELECT pg_catalog.min(pg_catalog.age(h.xmin)) FROM {history} h)",
            .empty_queries = empty_queries,
        },
    .driver =
        {
            .place_query = "SELECT pg_catalog.current_database()::text, pg_catalog.current_schema()::text",
            .table_query = "SELECT 1 FROM pg_catalog.pg_class c"
                           " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
                           " WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind IN ('r', 'p')",
            .schemas = true,
            .lock_query = "SELECT pg_catalog.pg_try_advisory_lock($1::bigint)",
            .unlock_query = "SELECT pg_catalog.pg_advisory_unlock($1::bigint)",
            .lock_names = lock_names,
            .lock_row_names = lock_row_names,
            .drop_queries = drop_statements,
        },
    .locks =
        {
            .keys = db::LockDialect::Keys::numbers,
            .place_query = "SELECT pg_catalog.current_database()::text, pg_catalog.current_schema()::text",
            .try_transaction = "SELECT {taken}, CASE WHEN {ms} > 0 THEN"
                               " pg_catalog.set_config('lock_timeout', '{ms}', true) END",
            .try_key = "pg_catalog.pg_try_advisory_xact_lock({key})",
            .try_session = "SELECT pg_catalog.pg_try_advisory_lock({keys})",
            .release_session = "SELECT pg_catalog.pg_advisory_unlock({keys})",
            .holder_query = "SELECT a.pid, a.usename::text, a.query FROM pg_catalog.pg_locks l"
                            " JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid"
                            " JOIN pg_catalog.pg_database d ON d.oid = l.database"
                            " WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1"
                            " AND d.datname = pg_catalog.current_database() AND l.pid <> pg_catalog.pg_backend_pid()"
                            " AND ((l.classid::bigint << 32) | l.objid::bigint) = ANY (ARRAY[{keys}]::bigint[])"
                            " LIMIT 1",
            .blocker_query = "SELECT a.pid, a.usename::text, a.query FROM pg_catalog.pg_locks l"
                             " JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid"
                             " JOIN pg_catalog.pg_class c ON c.oid = l.relation"
                             " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
                             " WHERE n.nspname = pg_catalog.current_schema() AND l.granted"
                             " AND l.pid <> pg_catalog.pg_backend_pid() ORDER BY a.xact_start LIMIT 1",
        },
    .journal =
        {
            .columns = "(id integer NOT NULL PRIMARY KEY, epoch bigint NOT NULL, holder text NOT NULL,"
                       " expires_at timestamp with time zone NOT NULL, script text NOT NULL,"
                       " direction text NOT NULL, target bigint NOT NULL, statement bigint NOT NULL,"
                       " stage text NOT NULL, hash_before bigint NOT NULL, hash_statement bigint NOT NULL,"
                       " origin text NOT NULL, evidence text NOT NULL)",
            .for_update = " FOR UPDATE",
            .flyway_origin = "h.xmin::text",
            .golang_origin = "h.xmin::text",
            .holder = "(SELECT pg_catalog.concat(a.pid, ' ', a.backend_start) FROM pg_catalog.pg_stat_activity a"
                      " WHERE a.pid = pg_catalog.pg_backend_pid())",
            .ahead = "pg_catalog.clock_timestamp() + interval '{ms} milliseconds'",
            // Who builds one keeps this lock of its table to the end.
            .index_query = "SELECT CASE WHEN i.indisvalid THEN 'valid' WHEN EXISTS (SELECT 1"
                           " FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid"
                           " WHERE l.locktype = 'relation' AND l.mode = 'ShareUpdateExclusiveLock' AND l.granted"
                           " AND l.relation = i.indrelid AND a.datname = pg_catalog.current_database()"
                           " AND a.usename IS NOT NULL AND a.pid <> pg_catalog.pg_backend_pid())"
                           " THEN 'busy' ELSE 'invalid' END"
                           " FROM pg_catalog.pg_index i WHERE i.indexrelid = pg_catalog.to_regclass('{name}')",
            .drop_index = "DROP INDEX CONCURRENTLY IF EXISTS {name}",
            .labels_query = "SELECT e.enumlabel::text FROM pg_catalog.pg_enum e"
                            " WHERE e.enumtypid = pg_catalog.to_regtype('{name}')",
        },
};

std::vector<std::string> names_in(std::string_view list) {
    std::vector<std::string> names;
    while (!list.empty()) {
        const std::size_t comma = std::min(list.find(','), list.size());
        if (const std::string_view name = base::trim(list.substr(0, comma)); !name.empty()) names.emplace_back(name);
        list.remove_prefix(std::min(comma + 1, list.size()));
    }
    return names;
}

PoolerOption pooler_of(const std::string& text) {
    if (text == "none") return PoolerOption::none;
    if (text == "session") return PoolerOption::session;
    if (text == "transaction") return PoolerOption::transaction;
    return PoolerOption::find_out;
}

Config config_of(const db::Settings& settings) {
    Config config;
    config.path_tail = ", pg_catalog";
    config.extensions = names_in(settings.text("postgres.extensions"));
    for (const std::string& schema : config.extensions) config.path_tail += ", " + quoted(schema);
    config.path_tail += ", pg_temp";
    config.copy_rows = settings.text("bulk") == "copy";
    return config;
}

std::vector<std::string> own_names(const db::Settings& settings) {
    std::vector<std::string> names = names_in(settings.text("postgres.extensions"));
    if (std::string shared = settings.text("tenant.shared"); !shared.empty()) names.push_back(std::move(shared));
    return names;
}

std::vector<std::string> with_name(std::vector<std::string> names, const std::string& name) {
    if (!name.empty()) names.push_back(name);
    return names;
}

std::shared_ptr<Connector> connector_of(const db::Url& url, const db::Settings& settings, bool databases) {
    Keywords keywords = parse_target(url.target);
    ConnectOptions options = ConnectOptions::read(settings);
    if (options.has_password()) keywords.erase("password");
    const bool parked = !databases && settings.text("tenancy") != "server";
    auto connector =
        std::make_shared<Connector>(std::move(keywords), std::move(options),
                                    pooler_of(settings.text("postgres.pooler")), parked, config_of(settings));
    connector->serve_type_names();
    return connector;
}

}  // namespace

Backend::Backend(const db::Url& url, const db::Settings& settings)
    : databases_(settings.text("tenancy") == "database"),
      batch_(settings.integer("drop.batch")),
      retry_(db::Retry::of(settings)),
      protected_(databases_ ? with_name(own_names(settings), parse_target(url.target).contains("dbname")
                                                                 ? parse_target(url.target).at("dbname")
                                                                 : std::string())
                            : own_names(settings)),
      connector_(connector_of(url, settings, databases_)) {}

const db::Dialect& Backend::dialect() const { return postgres_dialect; }

std::string Backend::name_of(const db::Place& place) const {
    return is_database(place) ? connector_->database_of(place.server) : place.path;
}

Connector::Admin Backend::admin(const db::Place& place, const Wait& wait) {
    return connector_->admin(place.server, is_database(place) ? Connector::Where::beside : Connector::Where::database,
                             wait);
}

std::unique_ptr<db::Connection> Backend::open(const db::Place& place, const Wait& wait) {
    try {
        return connector_->open(place.server, wait);
    } catch (const Error& error) {
        if (!databases_ || error.sqlstate() != "3D000") throw;
        throw error.with_code(Code::tenant_unknown);
    }
}

void Backend::create(const db::Place& place, const Wait& wait) {
    protected_.check(name_of(place), "created");
    create_any(place, wait);
}

void Backend::create_any(const db::Place& place, const Wait& wait) {
    const std::string name = name_of(place);
    retry_.run(wait, [&] {
        const Connector::Admin connection = admin(place, wait);
        is_database(place) ? create_database(*connection, name, wait) : create_schema(*connection, name, wait);
    });
}

void Backend::make_shared(const db::Place& place, const Wait& wait) {
    if (!exists(place, wait)) create_any(place, wait);
}

bool Backend::exists(const db::Place& place, const Wait& wait) {
    const std::string name = name_of(place);
    return retry_.run(wait, [&] {
        const Connector::Admin connection = admin(place, wait);
        return is_database(place) ? database_exists(*connection, name, wait) : schema_exists(*connection, name, wait);
    });
}

void Backend::drop(const db::Place& place, const Wait& wait) {
    const std::string name = name_of(place);
    protected_.check(name, "dropped");
    retry_.run(wait, [&] {
        const Connector::Admin connection = admin(place, wait);
        is_database(place) ? drop_database(*connection, name, wait) : drop_schema(*connection, name, batch_, wait);
    });
}

void Backend::rename(const db::Place& place, const db::Place& target, const Wait& wait) {
    const std::string name = name_of(place);
    const std::string next = name_of(target);
    protected_.check(name, "renamed");
    protected_.check(next, "a tenant's new name");
    if (!is_database(place) && place.server != target.server)
        throw Error(Code::unsupported, "a schema cannot be renamed to one on another server");
    retry_.run(wait, [&] {
        const Connector::Admin connection = admin(place, wait);
        is_database(place) ? rename_database(*connection, name, next, wait)
                           : rename_schema(*connection, name, next, wait);
    });
}

void Backend::copy(db::Connection&, const db::Place&, const Wait&) {
    throw Error(Code::unsupported, "postgres tenants are not copied");
}

std::unique_ptr<db::TenantCursor> Backend::list(const Wait& wait) {
    return retry_.run(wait, [&] {
        return list_names(connector_->admin({}, Connector::Where::database, wait), connector_, databases_, protected_,
                          wait);
    });
}

std::unique_ptr<db::Backend> make(const db::Url& url, const db::Settings& settings) {
    return std::make_unique<Backend>(url, settings);
}

}  // namespace mtdb::backends::postgres
