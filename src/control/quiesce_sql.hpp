// SPDX-License-Identifier: MIT
// Flags in a database: the global one as go-bricks keeps it, all else in a table beside it.
#pragma once

#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

#include "base/guarded.hpp"
#include "control/quiesce.hpp"
#include "db/backend.hpp"

namespace mtdb::control {

// How a database spells what the statements need. '@' stands for the column or table.
struct SqlWords;

class SqlStore final : public Store {
public:
    // A connection of its own; `create`: the database may be made if it is missing.
    enum class Missing { fail, create };
    using Opener = std::function<std::unique_ptr<db::Connection>(Missing, const Wait&)>;

    // `table`: "name" or "schema.name", empty for quiesce_flags. Throws Error(invalid_argument) for another text,
    // Error(unsupported) for a dialect that it does not know.
    SqlStore(const db::Dialect& dialect, std::string_view table, Opener opener);

    void create(const Wait& wait) override;
    Snapshot read(std::string_view scope, const Wait& wait) override;
    Flag set(const SetRequest& request, const Wait& wait) override;
    Flag renew(const std::string& scope, std::string_view token, int64_t ttl_ms, const Wait& wait) override;
    Flag clear(const std::string& scope, std::string_view token, bool force, const Wait& wait) override;
    void announce(const Announcement& announcement, int64_t lifetime_ms, const Wait& wait) override;
    void withdraw(const std::string& process, const Wait& wait) override;
    std::vector<Announcement> processes(const Wait& wait) override;

private:
    using Connections = std::vector<std::unique_ptr<db::Connection>>;
    // The flag to be written, from the present one; throws what must not be done.
    using Decide = std::function<Flag(const std::optional<Flag>& present, Micros now)>;

    template <class Work>
    decltype(auto) on_connection(const Wait& wait, Work&& work);
    int64_t run(db::Connection& connection, std::string_view sql, std::initializer_list<db::Value> values,
                const Wait& wait) const;
    std::unique_ptr<db::Statement> prepared(db::Connection& connection, std::string_view sql,
                                            std::initializer_list<db::Value> values, const Wait& wait) const;
    Snapshot read(db::Connection& connection, std::string_view scope, const Wait& wait) const;
    Flag change(const std::string& scope, const Decide& decide, const Wait& wait);
    Flag change_once(db::Connection& connection, const std::string& scope, const Decide& decide,
                     const Wait& wait) const;
    void write(db::Connection& connection, const Flag& flag, bool present, const Wait& wait) const;
    Error explained(const Error& error) const;
    std::string filled(std::string_view text) const;

    const db::Dialect& dialect_;
    const SqlWords& words_;
    const Opener opener_;
    std::string flags_;  // the tables, quoted
    std::string mine_;
    std::string mine_plain_;
    std::string read_sql_;
    std::string processes_sql_;
    std::string announce_sql_;
    Guarded<Connections> idle_;
};

// Quoted for the dialect. Throws Error(invalid_argument): more than two parts, or one that is no identifier.
std::string table_name(std::string_view text, const db::Dialect& dialect);

}  // namespace mtdb::control
