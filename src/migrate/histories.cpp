// SPDX-License-Identifier: MIT
#include "migrate/histories.hpp"

#include <algorithm>
#include <charconv>

#include "base/error.hpp"

namespace mtdb::migrate {
namespace {

std::string table_in(const std::string& name, const std::string& table, const db::Dialect& dialect) {
    return quoted(name, dialect) + "." + quoted(table, dialect);
}

// A row whose fields are all text.
struct TextRow final : db::Rows {
    bool integers = false;  // what reads as an integer is one
    std::span<const db::Value> fields;
    int32_t column_count() const override { return static_cast<int32_t>(fields.size()); }
    db::Column column(int32_t) const override { return {{}, {}, db::Type::text}; }
    bool next(const Wait&) override { return false; }
    db::Value value(int32_t index) const override {
        const db::Value& field = fields[static_cast<std::size_t>(index)];
        if (!integers) return field;
        const std::string_view text = field.view();
        int64_t number = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
        const bool whole = error == std::errc() && end == text.data() + text.size();
        return whole ? db::Value::integer(number, db::Type::int64) : field;
    }
};

}  // namespace

Histories::Histories(const HistoryTexts& texts, const db::Dialect& dialect, db::Connection& connection,
                     const Wait& wait)
    : texts_(texts), dialect_(dialect), connection_(connection) {
    const auto tables = connection_.prepare(
        std::string(dialect.history.histories_query) + " IN (" + placeholders(1, 4, dialect) + ")", nullptr, wait);
    const std::string names[] = {texts.flyway.table, texts.golang.table, std::string(texts.own_name()),
                                 std::string(journal_table)};
    for (int32_t index = 0; index < 4; ++index)
        tables->bind(index + 1, db::Value::text(names[index]), db::Lifetime::borrowed);
    while (tables->next(wait)) texts_.note(tables->value(1).view(), found_[std::string(tables->value(0).view())]);
    if (dialect.tenant_unit != db::Namespace::schema || dialect.locks.place_query.empty()) return;
    const auto place = connection_.prepare(dialect.locks.place_query, nullptr, wait);
    if (place->next(wait)) database_ = text_of(place->value(0));
    place->reset();
}

// ---- one group ----------------------------------------------------------------------------------

std::string Histories::place_of(const Group& group, std::size_t place) const {
    return table_in(group.namespaces[place],
                    group.format == Format::flyway ? texts_.flyway.table : texts_.golang.table, dialect_);
}

void Histories::add(HistoryView& view, Format format, const db::Rows& row, int32_t first) const {
    if (format == Format::flyway)
        add_row(view, applied_of(row, first, texts_.flyway.table));
    else
        add_golang_row(view, row, first, texts_.golang.table);
}

bool Histories::read_tables(const Group& group, Views& read, const Wait& wait) {
    std::vector<std::string> tables;
    const std::string columns =
        " (" + std::string(group.format == Format::flyway ? flyway_columns : golang_columns) + ")";
    for (const std::size_t place : group.places) tables.push_back(place_of(group, place) + columns);
    TextRow row;
    row.integers = group.format == Format::golang;
    return connection_.read_tables(
        tables,
        [&](std::size_t table, std::span<const db::Value> fields) {
            row.fields = fields;
            add(*read[group.places[table]], group.format, row, 0);
        },
        wait);
}

void Histories::query_tables(const Group& group, Views& read, const Wait& wait) {
    for (std::size_t at = 0; at < group.places.size(); at += query_max) {
        std::string sql;
        for (const std::size_t place : group.part(at, std::min(query_max, group.places.size() - at)).places) {
            if (!sql.empty()) sql += " UNION ALL ";
            sql += "SELECT " + std::to_string(place) + ", ";
            sql += group.format == Format::flyway ? flyway_columns : golang_columns;
            sql += " FROM " + place_of(group, place);
        }
        const auto rows = connection_.prepare(sql, nullptr, wait);
        while (rows->next(wait))
            add(*read[static_cast<std::size_t>(integer_of(rows->value(0)))], group.format, *rows, 1);
    }
}

void Histories::read_group(const Group& group, Views& views, const Wait& wait) {
    if (group.places.empty()) return;
    Views read(views.size());
    for (const std::size_t place : group.places) read[place].emplace();
    try {
        // One alone may be something that is read by a query only: a view.
        if (group.places.size() == 1 || !read_tables(group, read, wait)) query_tables(group, read, wait);
    } catch (const Error& error) {
        // One that was dropped meanwhile, or holds nonsense: halves, until it is alone and left to the one who
        // looks at its tenant.
        if (error.code() == Code::timeout || error.code() == Code::cancelled || error.code() == Code::closed ||
            error.code() == Code::unavailable)
            throw;
        if (group.places.size() == 1) return;
        const std::size_t half = group.places.size() / 2;
        read_group(group.part(0, half), views, wait);
        read_group(group.part(half, group.places.size() - half), views, wait);
        return;
    }
    for (const std::size_t place : group.places) {
        HistoryView& view = *read[place];
        view.format = group.format;
        view.exists = true;
        view.journal = found_.at(group.namespaces[place]).journal;
        sort_rows(view);
        views[place] = std::move(view);
    }
}

std::vector<std::optional<HistoryView>> Histories::read(std::span<const std::string> namespaces,
                                                        const Wait& wait) {
    std::vector<std::optional<HistoryView>> views(namespaces.size());
    std::vector<std::size_t> flyway, golang;
    for (std::size_t i = 0; i < namespaces.size(); ++i) {
        const auto found = found_.find(namespaces[i]);
        if (found == found_.end()) continue;
        if (!found->second.flyway && !found->second.golang) continue;
        try {
            (texts_.decide(found->second) == Format::flyway ? flyway : golang).push_back(i);
        } catch (const Error&) {
            continue;  // told when its tenant is looked at
        }
    }
    for (const Format format : {Format::flyway, Format::golang}) {
        const auto& places = format == Format::flyway ? flyway : golang;
        for (std::size_t at = 0; at < places.size(); at += together_max)
            read_group(Group{format, namespaces, places}.part(at, std::min(together_max, places.size() - at)),
                       views, wait);
    }
    return views;
}

}  // namespace mtdb::migrate
