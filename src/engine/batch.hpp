// SPDX-License-Identifier: MIT
// Statements that run together, with their parameters. Bound to no lease.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace mtdb::engine {

class Batch {
public:
    struct Entry {
        std::string sql;
        std::string block;  // of one row; empty: no parameters
    };
    // Throws Error(invalid_argument) for what is no block of one row.
    void add(std::string_view sql, std::string_view block);
    void clear() noexcept { entries_.clear(); }
    const std::vector<Entry>& entries() const noexcept { return entries_; }

private:
    std::vector<Entry> entries_;
};

}  // namespace mtdb::engine
