// SPDX-License-Identifier: MIT
#include "bulk.hpp"

#include <cstdio>

namespace bench {

std::vector<Row> make_rows() {
    std::vector<Row> made;
    for (int64_t i = 0; i < bulk_rows; ++i) {
        char name[32];
        std::snprintf(name, sizeof name, "name of %08d", static_cast<int>(i));
        made.push_back({i, static_cast<double>(i) * 0.5, name});
    }
    return made;
}

Owned<mtdb_block> make_block(const std::vector<Row>& data) {
    mtdb_block* block = nullptr;
    MUST(mtdb_block_new(&block, &bench_error));
    Owned<mtdb_block> owned(block);
    fill_block(block, data);
    return owned;
}

void fill_block(mtdb_block* block, const std::vector<Row>& data) {
    MUST(mtdb_block_reset(block, &bench_error));
    for (const Row& row : data) {
        MUST(mtdb_block_add_int64(block, row.id, &bench_error));
        MUST(mtdb_block_add_double(block, row.price, &bench_error));
        MUST(mtdb_block_add_text(block, row.name.data(), static_cast<int64_t>(row.name.size()),
                                 &bench_error));
        MUST(mtdb_block_end_row(block, &bench_error));
    }
}

void insert_block(mtdb_conn* conn, const char* sql, mtdb_block* block) {
    const void* data = nullptr;
    int64_t data_len = 0;
    mtdb_stmt* stmt = nullptr;
    mtdb_result* result = nullptr;
    MUST(mtdb_block_data(block, &data, &data_len, &bench_error));
    MUST(mtdb_stmt_prepare(conn, sql, -1, MTDB_DEFAULT, nullptr, &stmt, &bench_error));
    MUST(mtdb_stmt_bind_block(stmt, data, data_len, &bench_error));
    MUST(mtdb_stmt_execute(stmt, MTDB_DEFAULT, nullptr, &result, &bench_error));
    mtdb_result_release(result);
    mtdb_stmt_release(stmt);
}

}  // namespace bench
