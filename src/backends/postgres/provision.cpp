// SPDX-License-Identifier: MIT
#include "backends/postgres/provision.hpp"

#include <algorithm>
#include <initializer_list>
#include <optional>
#include <utility>

#include "backends/postgres/errors.hpp"
#include "base/checksum.hpp"
#include "base/error.hpp"
#include "base/text.hpp"

namespace mtdb::backends::postgres {
namespace {

std::unique_ptr<db::Statement> prepared(Connection& connection, std::string_view sql, std::string_view name,
                                        const Wait& wait) {
    auto statement = connection.prepare(sql, nullptr, wait);
    if (statement->parameter_count() > 0) statement->bind(1, db::Value::text(name), db::Lifetime::copied);
    return statement;
}

void run(Connection& connection, const std::string& sql, const Wait& wait) {
    connection.prepare(sql, nullptr, wait)->run(wait);
}

bool any(Connection& connection, std::string_view sql, std::string_view name, const Wait& wait) {
    const auto statement = prepared(connection, sql, name, wait);
    bool found = false;
    while (statement->next(wait)) found = true;
    return found;
}

// Serialises what is done to one name, also against other programs that lock it so.
void lock_name(Connection& connection, std::string_view name, const Wait& wait) {
    const auto statement = connection.prepare("SELECT pg_catalog.pg_advisory_xact_lock($1::bigint)", nullptr, wait);
    statement->bind(1, db::Value::integer(static_cast<int64_t>(base::stable_hash64(name))), db::Lifetime::copied);
    while (statement->next(wait)) {
    }
}

std::string named(const char* what, std::string_view name) {
    return std::string(what) + " " + base::excerpt(quoted(name), 80);
}

// What a verb's failure means for the name; everything else as it is.
Error about(const Error& error, const char* what, std::string_view name, std::string_view target = {}) {
    const std::string_view sqlstate = error.sqlstate();
    if (error.engine() != "postgres") return error;
    if (sqlstate == state::duplicate_schema || sqlstate == state::duplicate_database || sqlstate == "23505")
        return error.with_code(Code::exists)
            .with_message("there is already a " + named(what, target.empty() ? name : target));
    if (sqlstate == state::no_schema || sqlstate == state::no_database)
        return error.with_code(Code::tenant_unknown).with_message("there is no " + named(what, name));
    return error;
}

template <class Work>
void in_transaction(Connection& connection, const Wait& wait, Work&& work) {
    connection.begin({}, wait);
    try {
        work();
        connection.commit(wait);
    } catch (...) {
        try {
            connection.rollback();
        } catch (const Error&) {
            // The connection is lost; the server rolls back.
        }
        throw;
    }
}

// What is dropped one kind after the other: each query gives the commands of one batch. Constraints first, so
// that no table waits for another; then what has no children; nothing of them locks more than it must.
#define NOT_OF_EXTENSION(catalog, object)                                                        \
    " AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog." catalog \
    "'::regclass"                                                                                \
    " AND d.objid = " object ".oid AND d.deptype IN ('i', 'e'))"
constexpr std::string_view drop_queries[] = {
    "SELECT pg_catalog.format('ALTER TABLE %s DROP CONSTRAINT IF EXISTS %I', c.conrelid::regclass, c.conname)"
    " FROM pg_catalog.pg_constraint c JOIN pg_catalog.pg_class t ON t.oid = c.conrelid"
    " JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace"
    " WHERE c.contype = 'f' AND c.conparentid = 0 AND n.nspname = $1 LIMIT $2::bigint",
    "SELECT pg_catalog.format('DROP %s IF EXISTS %I.%I CASCADE',"
    " CASE c.relkind WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'VIEW' END, n.nspname, c.relname)"
    " FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
    " WHERE c.relkind IN ('v', 'm') AND n.nspname = $1" NOT_OF_EXTENSION("pg_class", "c") " LIMIT $2::bigint",
    "SELECT pg_catalog.format('DROP %s IF EXISTS %I.%I CASCADE',"
    " CASE c.relkind WHEN 'f' THEN 'FOREIGN TABLE' ELSE 'TABLE' END, n.nspname, c.relname)"
    " FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
    " WHERE c.relkind IN ('r', 'p', 'f') AND n.nspname = $1" NOT_OF_EXTENSION(
        "pg_class",
        "c") " AND NOT EXISTS (SELECT FROM pg_catalog.pg_inherits i WHERE i.inhparent = c.oid) LIMIT $2::bigint",
    "SELECT pg_catalog.format('DROP SEQUENCE IF EXISTS %I.%I CASCADE', n.nspname, c.relname)"
    " FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
    " WHERE c.relkind = 'S' AND n.nspname = $1" NOT_OF_EXTENSION("pg_class", "c") " LIMIT $2::bigint",
    "SELECT pg_catalog.format('DROP ROUTINE IF EXISTS %s CASCADE', p.oid::regprocedure)"
    " FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace"
    " WHERE p.prokind <> 'a' AND n.nspname = $1" NOT_OF_EXTENSION("pg_proc", "p") " LIMIT $2::bigint",
    "SELECT pg_catalog.format('DROP TYPE IF EXISTS %I.%I CASCADE', n.nspname, t.typname)"
    " FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace"
    " LEFT JOIN pg_catalog.pg_class c ON c.oid = t.typrelid"
    " WHERE n.nspname = $1 AND (t.typtype IN ('e', 'd') OR (t.typtype = 'c' AND c.relkind = 'c'))" NOT_OF_EXTENSION(
        "pg_type", "t") " LIMIT $2::bigint",
};

#undef NOT_OF_EXTENSION

// The commands of one batch as one text; empty when none is left.
std::string batch_of(Connection& connection, std::string_view query, const std::string& schema, int64_t batch,
                     const Wait& wait) {
    const auto statement = prepared(connection, query, schema, wait);
    statement->bind(2, db::Value::integer(batch), db::Lifetime::copied);
    std::string text;
    while (statement->next(wait)) {
        text += statement->value(0).view();
        text += ";\n";
    }
    return text;
}

class NameCursor final : public db::TenantCursor {
public:
    NameCursor(std::shared_ptr<Connector> connector, Connector::Admin connection,
               std::unique_ptr<db::Statement> statement, Protected kept, const Wait& wait)
        : connector_(std::move(connector)),
          connection_(std::move(connection)),
          statement_(std::move(statement)),
          kept_(std::move(kept)),
          wait_(wait) {}
    std::optional<std::string> next() override {
        while (statement_->next(wait_)) {
            std::string name(statement_->value(0).view());
            if (!kept_.covers(name)) return name;
        }
        return std::nullopt;
    }

private:
    std::shared_ptr<Connector> connector_;  // outlives the connection that goes back to it
    Connector::Admin connection_;
    std::unique_ptr<db::Statement> statement_;
    Protected kept_;
    Wait wait_;
};

}  // namespace

bool Protected::covers(std::string_view name) const {
    if (name.empty() || name.starts_with("pg_")) return true;
    for (const std::string_view system : {"public", "information_schema", "postgres", "template0", "template1"})
        if (name == system) return true;
    return name == parking_schema || std::find(own_.begin(), own_.end(), name) != own_.end();
}

void Protected::check(std::string_view name, const char* verb) const {
    if (covers(name))
        throw Error(Code::permission, named("", name).substr(1) + " belongs to no tenant and is not " + verb);
}

void create_schema(Connection& connection, const std::string& name, const Wait& wait) {
    try {
        in_transaction(connection, wait, [&] {
            lock_name(connection, name, wait);
            run(connection, "CREATE SCHEMA " + quoted(name), wait);
        });
    } catch (const Error& error) {
        throw about(error, "schema", name);
    }
}

void create_database(Connection& connection, const std::string& name, const Wait& wait) {
    try {
        run(connection, "CREATE DATABASE " + quoted(name), wait);
    } catch (const Error& error) {
        throw about(error, "database", name);
    }
}

bool schema_exists(Connection& connection, const std::string& name, const Wait& wait) {
    return any(connection, "SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = $1", name, wait);
}

bool database_exists(Connection& connection, const std::string& name, const Wait& wait) {
    return any(connection, "SELECT 1 FROM pg_catalog.pg_database WHERE datname = $1", name, wait);
}

void rename_schema(Connection& connection, const std::string& name, const std::string& target, const Wait& wait) {
    try {
        in_transaction(connection, wait, [&] {
            lock_name(connection, std::min(name, target), wait);
            lock_name(connection, std::max(name, target), wait);
            run(connection, "ALTER SCHEMA " + quoted(name) + " RENAME TO " + quoted(target), wait);
        });
    } catch (const Error& error) {
        throw about(error, "schema", name, target);
    }
}

void rename_database(Connection& connection, const std::string& name, const std::string& target, const Wait& wait) {
    try {
        run(connection, "ALTER DATABASE " + quoted(name) + " RENAME TO " + quoted(target), wait);
    } catch (const Error& error) {
        throw about(error, "database", name, target);
    }
}

void drop_schema(Connection& connection, const std::string& name, int64_t batch, const Wait& wait) {
    if (!schema_exists(connection, name, wait))
        throw Error(Code::tenant_unknown, "there is no " + named("schema", name)).with_sqlstate(state::no_schema);
    bool partly = false;
    try {
        for (const std::string_view query : drop_queries) {
            std::string before;
            for (;;) {
                const std::string text = batch_of(connection, query, name, batch, wait);
                if (text.empty() || text == before) break;  // what cannot be dropped alone goes with the schema
                int64_t statements = 0;
                connection.run_script(text, statements, wait);
                partly = true;
                before = text;
            }
        }
        in_transaction(connection, wait, [&] {
            lock_name(connection, name, wait);
            run(connection, "DROP SCHEMA " + quoted(name) + " CASCADE", wait);
        });
    } catch (const Error& error) {
        const bool undone = error.effect() == Effect::none || error.effect() == Effect::rolled_back;
        throw about(partly && undone ? error.with_effect(Effect::committed) : error, "schema", name);
    }
}

void drop_database(Connection& connection, const std::string& name, const Wait& wait) {
    try {
        run(connection, "DROP DATABASE " + quoted(name), wait);
    } catch (const Error& error) {
        throw about(error, "database", name);
    }
}

std::unique_ptr<db::TenantCursor> list_names(Connector::Admin connection, std::shared_ptr<Connector> connector,
                                             bool databases, Protected kept, const Wait& wait) {
    auto statement = connection->prepare(
        databases ? "SELECT datname FROM pg_catalog.pg_database WHERE NOT datistemplate AND datallowconn ORDER BY 1"
                  : "SELECT nspname FROM pg_catalog.pg_namespace ORDER BY 1",
        nullptr, wait);
    return std::make_unique<NameCursor>(std::move(connector), std::move(connection), std::move(statement),
                                        std::move(kept), wait);
}

}  // namespace mtdb::backends::postgres
