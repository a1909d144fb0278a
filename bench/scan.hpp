// SPDX-License-Identifier: MIT
// What the scans share: 100,000 rows of (int64, double, 16 bytes of text), every byte read by C.
#pragma once

#include <cstdint>
#include <cstring>
#include <vector>

#include "harness.hpp"

namespace bench {

constexpr int64_t scan_rows = 100000;
constexpr char scan_query[] = "SELECT id, price, name FROM item";

struct Sums {
    int64_t ids = 0;
    double prices = 0;
    uint64_t names = 0;
    int64_t rows = 0;
    bool operator==(const Sums&) const = default;

    void add_name(const char* bytes) {
        uint64_t halves[2];
        std::memcpy(halves, bytes, sizeof halves);
        names += halves[0] ^ halves[1];
    }
};

// The library's side: blocks as large as the buffer.
Sums scan_blocks(mtdb_conn* conn, std::vector<char>& buffer);

// Runs both sides in turns; they must have read the same.
Figures scan_in_turns(mtdb_conn* conn, const std::function<Sums()>& peer);

}  // namespace bench
