// SPDX-License-Identifier: MIT
// The histories of many namespaces of one server, read together: a query for hundreds of tenants instead of one
// each.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "db/backend.hpp"
#include "migrate/history.hpp"

namespace mtdb::migrate {

// One connection to one server, which stands in any namespace of it. One thread.
class Histories {
public:
    // The most namespaces that one trip reads: each is a table that the server must open and lock.
    static constexpr std::size_t together_max = 500;
    // The most tables of one query: planning them costs more than in proportion.
    static constexpr std::size_t query_max = 100;

    // False: this backend has no such query.
    static bool offered(const db::Dialect& dialect) { return !dialect.history.histories_query.empty(); }

    // Asks the server which namespaces have histories, all at once.
    Histories(const HistoryTexts& texts, const db::Dialect& dialect, db::Connection& connection, const Wait& wait);

    // One place per namespace, in their order. Nothing: it has no history, or one that must be looked at alone:
    // two tables, or one that cannot be read.
    std::vector<std::optional<HistoryView>> read(std::span<const std::string> namespaces, const Wait& wait);
    // That all namespaces are in; empty: each is its own.
    const std::string& database() const noexcept { return database_; }

private:
    // The namespaces at `places`, all with histories of one format.
    struct Group {
        Format format;
        std::span<const std::string> namespaces;
        std::span<const std::size_t> places;
        Group part(std::size_t from, std::size_t count) const {
            return {format, namespaces, places.subspan(from, count)};
        }
    };
    using Views = std::vector<std::optional<HistoryView>>;
    void read_group(const Group& group, Views& views, const Wait& wait);
    bool read_tables(const Group& group, Views& read, const Wait& wait);
    void query_tables(const Group& group, Views& read, const Wait& wait);
    void add(HistoryView& view, Format format, const db::Rows& row, int32_t first) const;
    std::string place_of(const Group& group, std::size_t place) const;

    const HistoryTexts& texts_;
    const db::Dialect& dialect_;
    db::Connection& connection_;
    std::unordered_map<std::string, HistoryTexts::Found> found_;  // by namespace
    std::string database_;
};

}  // namespace mtdb::migrate
