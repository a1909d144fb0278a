// SPDX-License-Identifier: MIT
#include <algorithm>

#include "base/text.hpp"
#include "migrate/history.hpp"

namespace mtdb::migrate {

FlywayTexts flyway_texts(const std::string& table, const db::Dialect& dialect) {
    const auto name = [&](std::string_view column) { return quoted(column, dialect); };
    const std::string place = qualified(table, dialect);
    const db::HistoryDialect& history = dialect.history;
    const std::string integer = " " + std::string(history.flyway_integer);
    const std::string inline_key = history.flyway_primary_key_inline ? " PRIMARY KEY" : "";
    const std::string key =
        history.flyway_primary_key_inline
            ? ""
            : ",\n    CONSTRAINT " + name(table + "_pk") + " PRIMARY KEY (" + name("installed_rank") + ")";
    FlywayTexts texts;
    texts.table = table;
    texts.create_table = "CREATE TABLE " + place + " (\n    " + name("installed_rank") + integer + " NOT NULL" +
                         inline_key + ",\n    " + name("version") + " VARCHAR(50),\n    " + name("description") +
                         " VARCHAR(200) NOT NULL,\n    " + name("type") + " VARCHAR(20) NOT NULL,\n    " +
                         name("script") + " VARCHAR(1000) NOT NULL,\n    " + name("checksum") + integer + ",\n    " +
                         name("installed_by") + " VARCHAR(100) NOT NULL,\n    " + name("installed_on") + " " +
                         std::string(history.flyway_timestamp) + ",\n    " + name("execution_time") + integer +
                         " NOT NULL,\n    " + name("success") + " BOOLEAN NOT NULL" + key + "\n)";
    const std::string index = history.current_namespace.empty() ? quoted(table + "_s_idx", dialect)
                                                                : qualified(table + "_s_idx", dialect);
    texts.create_index =
        "CREATE INDEX " + index + " ON " + quoted(table, dialect) + " (" + name("success") + ")";
    // Columns are unquoted: SQLite would take a quoted name that no column has for a string.
    texts.read = "SELECT " + std::string(flyway_columns) + " FROM " + place;
    texts.count = "SELECT count(*), max(h.installed_rank) FROM " + place + " AS h";
    texts.insert = "INSERT INTO " + place + " (" + name("installed_rank") + ", " + name("version") +
                   ", " + name("description") + ", " + name("type") + ", " + name("script") + ", " +
                   name("checksum") + ", " + name("installed_by") + ", " + name("execution_time") +
                   ", " + name("success") + ") VALUES (" + placeholders(1, 6, dialect) + ", " +
                   std::string(history.flyway_user) + ", " + placeholders(7, 8, dialect) + ")";
    texts.turn = "UPDATE " + place + " SET " + name("success") + " = " + placeholders(1, 1, dialect) + ", " +
                 name("execution_time") + " = COALESCE(" + placeholders(2, 2, dialect) + ", " +
                 name("execution_time") + "), " + name("checksum") + " = COALESCE(" +
                 placeholders(3, 3, dialect) + ", " + name("checksum") + ") WHERE " + name("installed_rank") + " = " +
                 placeholders(4, 4, dialect);
    texts.remove = "DELETE FROM " + place + " WHERE " + name("installed_rank") + " = " + placeholders(1, 1, dialect);
    texts.align = "UPDATE " + place + " SET " + name("description") + " = " + placeholders(1, 1, dialect) + ", " +
                  name("type") + " = " + placeholders(2, 2, dialect) + ", " + name("checksum") + " = " +
                  placeholders(3, 3, dialect) + " WHERE " + name("installed_rank") + " = " +
                  placeholders(4, 4, dialect);
    texts.origin = origin_text(dialect.journal.flyway_origin, place, " WHERE h.installed_rank = {target}");
    return texts;
}

Applied applied_of(const db::Rows& row, int32_t first, const std::string& table) {
    Applied applied;
    applied.rank = integer_of(row.value(first));
    const std::string version = text_of(row.value(first + 1));
    if (!version.empty()) {
        auto parsed = Version::find(version);
        if (!parsed)
            throw Error(Code::invalid_state, "row " + std::to_string(applied.rank) + " of '" +
                                                 table + "' holds '" + base::excerpt(version) +
                                                 "', which is not a version");
        applied.version = std::move(*parsed);
    }
    applied.description = text_of(row.value(first + 2));
    applied.type = text_of(row.value(first + 3));
    applied.script = text_of(row.value(first + 4));
    if (row.value(first + 5).type != db::Type::null)
        applied.checksum = static_cast<int32_t>(integer_of(row.value(first + 5)));
    applied.installed_on = text_of(row.value(first + 6));
    applied.success = truth_of(row.value(first + 7));
    applied.installed_by = text_of(row.value(first + 8));
    applied.execution_ms = integer_of(row.value(first + 9));
    return applied;
}

void add_row(HistoryView& view, Applied applied) {
    view.rank_max = view.row_count == 0 ? applied.rank : std::max(view.rank_max, applied.rank);
    ++view.row_count;
    if (applied.rank > -1) view.rows.push_back(std::move(applied));  // ranks below are lock rows
}

// Rows come in the order of their insertion, which is that of their ranks unless somebody rewrote the table.
void sort_rows(HistoryView& view) {
    if (!std::ranges::is_sorted(view.rows, {}, &Applied::rank))
        std::ranges::stable_sort(view.rows, {}, &Applied::rank);
}

void read_flyway(db::Connection& connection, const FlywayTexts& texts, const Wait& wait,
                 HistoryView& view) {
    view.format = Format::flyway;
    view.exists = true;
    try {
        const auto read = connection.prepare(texts.read, nullptr, wait);
        while (read->next(wait)) add_row(view, applied_of(*read, 0, texts.table));
    } catch (const Error& error) {
        throw unreadable(texts.table, "Flyway", error);
    }
    sort_rows(view);
}

}  // namespace mtdb::migrate
