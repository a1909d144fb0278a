// SPDX-License-Identifier: MIT
#include "db/connection.hpp"

namespace mtdb::db {

Fill Rows::fill(BlockWriter& writer, const Wait& wait) {
    const int32_t columns = column_count();
    for (;;) {
        if (!writer.has_room()) return Fill::more;
        if (!pending_ && !next(wait)) return Fill::done;
        pending_ = true;
        writer.begin_row();
        for (int32_t i = 0; i < columns; ++i) writer.put_value(i, value(i));
        if (!writer.end_row()) return writer.rows() > 0 ? Fill::more : Fill::too_small;
        pending_ = false;
    }
}

}  // namespace mtdb::db
