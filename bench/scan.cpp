// SPDX-License-Identifier: MIT
#include "scan.hpp"

namespace bench {
namespace {

void add_block(const char* block, Sums& sums) {
    mtdb_block_header header;
    mtdb_block_column columns[3];
    std::memcpy(&header, block, sizeof header);
    if (header.rows == 0) return;
    std::memcpy(columns, block + sizeof header, sizeof columns);
    if (columns[0].type != MTDB_TYPE_INT64 || columns[1].type != MTDB_TYPE_DOUBLE ||
        columns[2].type != MTDB_TYPE_TEXT)
        fail("a column has another type");
    const auto* ids = reinterpret_cast<const int64_t*>(block + columns[0].data);
    const auto* prices = reinterpret_cast<const double*>(block + columns[1].data);
    const auto* offsets = reinterpret_cast<const int32_t*>(block + columns[2].data);
    const char* names = block + columns[2].heap;
    for (int32_t row = 0; row < header.rows; ++row) {
        if (offsets[row + 1] - offsets[row] != 16) fail("a name has another length");
        sums.ids += ids[row];
        sums.prices += prices[row];
        sums.add_name(names + offsets[row]);
    }
    sums.rows += header.rows;
}

}  // namespace

Sums scan_blocks(mtdb_conn* conn, std::vector<char>& buffer) {
    Sums sums;
    mtdb_result* result = nullptr;
    MUST(mtdb_conn_query(conn, scan_query, -1, nullptr, 0, MTDB_DEFAULT, nullptr, &result,
                         &bench_error));
    for (mtdb_status status = MTDB_OK; status == MTDB_OK;) {
        int64_t rows = 0, used = 0;
        const auto cap = static_cast<int64_t>(buffer.size());
        status = MUST(mtdb_result_fetch(result, buffer.data(), cap, 0, &rows, &used, &bench_error));
        add_block(buffer.data(), sums);
    }
    mtdb_result_release(result);
    return sums;
}

Figures scan_in_turns(mtdb_conn* conn, const std::function<Sums()>& peer) {
    std::vector<char> buffer(256 * 1024);
    Sums our_sums, peer_sums;
    const Figures figures = in_turns(
        15, [&] { return timed([&] { our_sums = scan_blocks(conn, buffer); }) / scan_rows; },
        [&] { return timed([&] { peer_sums = peer(); }) / scan_rows; });
    if (our_sums != peer_sums || our_sums.rows != scan_rows) fail("the sides read different rows");
    return figures;
}

}  // namespace bench
