// SPDX-License-Identifier: MIT
// What the bulk inserts share: 10,000 rows, and how the library takes them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "harness.hpp"

namespace bench {

constexpr int64_t bulk_rows = 10000;

struct Row {
    int64_t id;
    double price;
    std::string name;
};

std::vector<Row> make_rows();
Owned<mtdb_block> make_block(const std::vector<Row>& data);
void fill_block(mtdb_block* block, const std::vector<Row>& data);
void insert_block(mtdb_conn* conn, const char* sql, mtdb_block* block);

}  // namespace bench
