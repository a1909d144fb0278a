// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "db/connection.hpp"

namespace mtdb::pool {

// Whose statements a cache finds: a tenant's, at one version of its schema. 0 where a connection has one tenant and
// its engine compiles anew by itself.
class Scope {
public:
    static constexpr uint64_t first_of(uint64_t tenant) noexcept { return tenant << version_bits; }
    // The same tenant's, one version on.
    static constexpr uint64_t next(uint64_t scope) noexcept {
        return first_of(tenant_of(scope)) | ((scope + 1) & version_mask);
    }
    static constexpr uint64_t tenant_of(uint64_t scope) noexcept { return scope >> version_bits; }

private:
    static constexpr int version_bits = 24;
    static constexpr uint64_t version_mask = (uint64_t{1} << version_bits) - 1;
};

// A compiled statement of one connection, kept under the text it was asked for.
struct Compiled {
    std::string sql;
    std::unique_ptr<db::Statement> statement;
    std::vector<std::string>
        names;  // of portable placeholders, by index - 1; empty: the statement knows its own
    bool portable = false;
    // For the cache.
    uint64_t hash = 0;
    uint64_t scope = 0;
    uint64_t used = 0;
    bool out = false;
    bool cached = false;
};

// The compiled statements of one connection that nobody uses, and those that are out. One thread at
// a time.
class StatementCache {
public:
    explicit StatementCache(int64_t size_max) : size_max_(size_max) {}

    // The statement for a text if it is there and not out; it is then out. nullptr otherwise.
    Compiled* take(std::string_view sql, uint64_t hash, uint64_t scope = 0) noexcept;
    // Takes a new one in, already out; without room, or when its text is out already, it will be
    // freed by give_back(). What the scope's tenant left at other versions makes room first.
    Compiled* add(std::unique_ptr<Compiled> compiled, uint64_t scope = 0);
    // Its bindings are cleared and it is ready for the next; uncached ones are freed.
    void give_back(Compiled* compiled) noexcept;
    void clear() noexcept;  // nothing may be out

    int64_t take_hits() noexcept { return std::exchange(hits_, 0); }
    int64_t take_misses() noexcept { return std::exchange(misses_, 0); }

private:
    static uint64_t key_of(uint64_t hash, uint64_t scope) noexcept {
        return hash ^ scope * 0x9e3779b97f4a7c15U;
    }
    void make_room(uint64_t scope) noexcept;

    std::unordered_map<uint64_t, std::unique_ptr<Compiled>> by_key_;
    int64_t size_max_;
    uint64_t clock_ = 0;
    int64_t hits_ = 0;
    int64_t misses_ = 0;
};

}  // namespace mtdb::pool
