// SPDX-License-Identifier: MIT
#include "engine/table_rows.hpp"

#include "base/error.hpp"

namespace mtdb::engine {

std::vector<TableRows::Heading> headings_of(const db::Rows& rows) {
    std::vector<TableRows::Heading> headings;
    for (int32_t i = 0; i < rows.column_count(); ++i) {
        const db::Column column = rows.column(i);
        headings.push_back({std::string(column.name), std::string(column.declared), column.type});
    }
    return headings;
}

void TableRows::add(const db::Value& value) {
    bytes_ += 40 + value.size;
    if (bytes_max_ > 0 && bytes_ > bytes_max_)
        throw Error(Code::limit,
                    "the rows that the statement returned exceed result_buffer_max_bytes")
            .with_limit("result_buffer_max_bytes");
    db::Value copy = value;
    if (db::carrier_of(value.type) == db::Carrier::bytes)
        copy.data = texts_.emplace_back(value.view()).c_str();
    cells_.push_back(copy);
}

db::Column TableRows::column(int32_t index) const {
    const Heading& heading = headings_.at(static_cast<std::size_t>(index));
    return {heading.name, heading.declared, heading.type, -1};
}

bool TableRows::next(const Wait&) {
    if (headings_.empty() || (row_ + 1) * headings_.size() > cells_.size()) return false;
    ++row_;
    return true;
}

db::Value TableRows::value(int32_t index) const {
    return cells_.at((row_ - 1) * headings_.size() + static_cast<std::size_t>(index));
}

}  // namespace mtdb::engine
