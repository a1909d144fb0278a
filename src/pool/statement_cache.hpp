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

// A compiled statement of one connection, kept under the text it was asked for.
struct Compiled {
    std::string sql;
    std::unique_ptr<db::Statement> statement;
    std::vector<std::string>
        names;  // of portable placeholders, by index - 1; empty: the statement knows its own
    bool portable = false;
    // For the cache.
    uint64_t hash = 0;
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
    Compiled* take(std::string_view sql, uint64_t hash) noexcept;
    // Takes a new one in, already out; without room, or when its text is out already, it will be
    // freed by give_back().
    Compiled* add(std::unique_ptr<Compiled> compiled);
    // Its bindings are cleared and it is ready for the next; uncached ones are freed.
    void give_back(Compiled* compiled) noexcept;
    void clear() noexcept;  // nothing may be out

    int64_t take_hits() noexcept { return std::exchange(hits_, 0); }
    int64_t take_misses() noexcept { return std::exchange(misses_, 0); }

private:
    void make_room() noexcept;

    std::unordered_map<uint64_t, std::unique_ptr<Compiled>> by_hash_;
    int64_t size_max_;
    uint64_t clock_ = 0;
    int64_t hits_ = 0;
    int64_t misses_ = 0;
};

}  // namespace mtdb::pool
