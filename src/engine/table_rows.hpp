// SPDX-License-Identifier: MIT
#pragma once

#include <deque>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "db/connection.hpp"

namespace mtdb::engine {

// Rows kept in memory: figures, plans, and what a writing statement returned.
class TableRows final : public db::Rows {
public:
    struct Heading {
        std::string name;
        std::string declared;
        db::Type type = db::Type::variant;
    };
    explicit TableRows(std::vector<Heading> headings) : headings_(std::move(headings)) {}

    // A row's cells in order; the bytes are copied. Throws Error(limit) past `bytes_max` in total.
    void add(const db::Value& value);
    void add_text(std::string_view text) { add(db::Value::text(text)); }
    void add_integer(int64_t value) { add(db::Value::integer(value)); }
    void add_null() { add(db::Value::null()); }
    void limit(int64_t bytes_max) { bytes_max_ = bytes_max; }

    int32_t column_count() const override { return static_cast<int32_t>(headings_.size()); }
    db::Column column(int32_t index) const override;
    bool next(const Wait& wait) override;
    db::Value value(int32_t index) const override;

private:
    std::vector<Heading> headings_;
    std::vector<db::Value> cells_;
    std::deque<std::string> texts_;  // never moves what it holds
    std::size_t row_ = 0;            // of the next row; the present one is row_ - 1
    int64_t bytes_ = 0;
    int64_t bytes_max_ = 0;
};

// What another's columns are called, to keep.
std::vector<TableRows::Heading> headings_of(const db::Rows& rows);

}  // namespace mtdb::engine
