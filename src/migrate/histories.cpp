// SPDX-License-Identifier: MIT
#include "migrate/histories.hpp"

#include <algorithm>

#include "base/error.hpp"

namespace mtdb::migrate {
namespace {

std::string table_in(const std::string& name, const std::string& table, const db::Dialect& dialect) {
    return quoted(name, dialect) + "." + quoted(table, dialect);
}

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

std::string Histories::query(Format format, std::span<const std::string> namespaces,
                             std::span<const std::size_t> places) const {
    std::string sql;
    for (const std::size_t place : places) {
        if (!sql.empty()) sql += " UNION ALL ";
        sql += "SELECT " + std::to_string(place) + ", ";
        if (format == Format::flyway)
            sql += std::string(flyway_columns) + " FROM " +
                   table_in(namespaces[place], texts_.flyway.table, dialect_);
        else
            sql += "h.version, h.dirty FROM " + table_in(namespaces[place], texts_.golang.table, dialect_);
        sql += " AS h";
    }
    return sql;
}

void Histories::read_group(Format format, std::span<const std::string> namespaces,
                           std::span<const std::size_t> places, std::vector<std::optional<HistoryView>>& views,
                           const Wait& wait) {
    if (places.empty()) return;
    std::vector<HistoryView> read(views.size());
    try {
        const auto rows = connection_.prepare(query(format, namespaces, places), nullptr, wait);
        while (rows->next(wait)) {
            HistoryView& view = read[static_cast<std::size_t>(integer_of(rows->value(0)))];
            if (format == Format::flyway)
                add_row(view, applied_of(*rows, 1, texts_.flyway.table));
            else
                add_golang_row(view, *rows, 1, texts_.golang.table);
        }
    } catch (const Error& error) {
        // One that was dropped meanwhile, or holds nonsense: halves, until it is alone and left to the one who
        // looks at its tenant.
        if (error.code() == Code::timeout || error.code() == Code::cancelled || error.code() == Code::closed ||
            error.code() == Code::unavailable)
            throw;
        if (places.size() == 1) return;
        const std::size_t half = places.size() / 2;
        read_group(format, namespaces, places.first(half), views, wait);
        read_group(format, namespaces, places.subspan(half), views, wait);
        return;
    }
    for (const std::size_t place : places) {
        HistoryView& view = read[place];
        view.format = format;
        view.exists = true;
        view.journal = found_.at(namespaces[place]).journal;
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
            read_group(format, namespaces,
                       std::span(places).subspan(at, std::min(together_max, places.size() - at)), views, wait);
    }
    return views;
}

}  // namespace mtdb::migrate
