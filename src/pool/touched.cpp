// SPDX-License-Identifier: MIT
#include <algorithm>
#include <utility>

#include "pool/pools.hpp"

namespace mtdb::pool {

bool Touched::insert(std::vector<uint64_t>& table, uint64_t tenant) noexcept {
    if (tenant == 0) tenant = 1;  // 0 is a free place
    std::size_t at = (tenant * 0x9e3779b97f4a7c15U >> 32) & (table.size() - 1);
    while (table[at] != 0 && table[at] != tenant) at = (at + 1) & (table.size() - 1);
    return std::exchange(table[at], tenant) == 0;
}

void Touched::add(uint64_t tenant) noexcept {
    try {
        if (2 * static_cast<std::size_t>(size_) >= table_.size()) {
            std::vector<uint64_t> grown(std::max<std::size_t>(16, 2 * table_.size()));
            for (const uint64_t each : table_)
                if (each != 0) insert(grown, each);
            table_ = std::move(grown);
        }
        if (insert(table_, tenant)) ++size_;
    } catch (const std::bad_alloc&) {
        ++size_;
    }
}

}  // namespace mtdb::pool
