// SPDX-License-Identifier: MIT
// A kind of database: how to reach a tenant's place, make it, copy it, drop it. Differences between
// backends are data.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/wait.hpp"
#include "db/connection.hpp"

namespace mtdb::db {

enum class Namespace { file, schema, database };

// What a backend can and how it is spelled: code asks this, never for a product.
struct Dialect {
    std::string_view name;
    char quote = '"';
    Namespace tenant_unit = Namespace::file;
    bool transactional_ddl = true;
    bool single_writer =
        false;  // one writing transaction per place at a time: the pool hands out writer turns
    bool concurrent_results = true;  // several statements of one connection may be read at once
    bool persistent =
        true;  // false: a place lives as long as its connections (in-memory): never evict
    std::string_view placeholder = "?";
    std::string_view ping = "SELECT 1";  // really reads
    std::string_view
        current_namespace;  // the name that the history tools print for it, such as "main"
    std::string_view
        history_timestamp;  // SQL expression that a history table defaults installed_on to
};

// The options of scope "db", read by key. A key that does not exist is our own mistake.
class Settings {
public:
    virtual ~Settings() = default;
    virtual std::string text(std::string_view key) const = 0;
    virtual int64_t integer(std::string_view key) const = 0;
    virtual bool boolean(std::string_view key) const = 0;
};

// Where one tenant lives, inside one backend. `path` is relative to the backend's root unless it is
// absolute.
struct Place {
    std::string path;
    bool operator==(const Place&) const = default;
};

// How many descriptors a place holds for a peak of so many connections.
struct FileCost {
    int32_t first = 3;
    int32_t further = 2;
    int64_t of(int32_t peak) const { return peak <= 0 ? 0 : first + int64_t{further} * (peak - 1); }
};

// A listing in constant memory.
class TenantCursor {
public:
    virtual ~TenantCursor() = default;
    virtual std::optional<std::string>
    next() = 0;  // the next path, relative to the root, of something that is a tenant's place
};

class Backend {
public:
    virtual ~Backend() = default;
    virtual const Dialect& dialect() const = 0;
    virtual FileCost file_cost() const = 0;
    virtual std::string_view place_suffix() const { return {}; }

    // TENANT_UNKNOWN when there is no such place; never creates one.
    virtual std::unique_ptr<Connection> open(const Place& place, const Wait& wait) = 0;
    virtual void create(const Place& place,
                        const Wait& wait) = 0;  // durable and whole, or Error(exists) and others
    virtual bool exists(const Place& place) = 0;
    virtual void drop(const Place& place, const Wait& wait) = 0;  // nobody has it open
    // A consistent snapshot of what `source` sees into a new place; durable and whole, or absent.
    virtual void copy(Connection& source, const Place& target, const Wait& wait) = 0;
    virtual std::unique_ptr<TenantCursor> list() = 0;
    // Writes back what the write-ahead log holds (without waiting for anyone) and cuts it to
    // `sqlite.wal_size_max_bytes`; true when a reader kept it from being written back whole.
    virtual bool checkpoint(Connection& connection) = 0;
};

}  // namespace mtdb::db
