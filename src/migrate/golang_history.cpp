// SPDX-License-Identifier: MIT
#include "migrate/history.hpp"

namespace mtdb::migrate {

GolangTexts golang_texts(const std::string& table, const db::Dialect& dialect) {
    const std::string place = qualified(table, dialect);
    GolangTexts texts;
    texts.table = table;
    texts.create_table = "CREATE TABLE IF NOT EXISTS " + place + " " + std::string(dialect.history.golang_columns);
    // One name for all tables, as golang-migrate has it: a second table of a file stays without the
    // index.
    if (dialect.history.golang_index)
        texts.create_index = "CREATE UNIQUE INDEX IF NOT EXISTS " +
                         qualified("version_unique", dialect) + " ON " + quoted(table, dialect) +
                         " (version)";
    texts.read = "SELECT " + std::string(golang_columns) + " FROM " + place + " LIMIT 2";
    texts.clear = "DELETE FROM " + place;
    texts.insert = "INSERT INTO " + place + " (version, dirty) VALUES (" + placeholders(1, 2, dialect) + ")";
    texts.younger = dialect.history.younger_query;
    constexpr std::string_view mark = "{history}";
    const auto at = texts.younger.find(mark);
    if (at != std::string::npos) texts.younger.replace(at, mark.size(), place);
    texts.origin = origin_text(dialect.journal.golang_origin, place, "");
    return texts;
}

void add_golang_row(HistoryView& view, const db::Rows& row, int32_t first, const std::string& table) {
    if (view.row_count > 0)
        throw Error(Code::invalid_state, "table '" + table + "' holds more than one version");
    const db::Value version = row.value(first);
    if (version.type != db::Type::int64)
        throw Error(Code::invalid_state, "table '" + table + "' holds a version that is not an integer");
    view.version = version.slot;
    view.dirty = truth_of(row.value(first + 1));
    ++view.row_count;
}

void read_golang(db::Connection& connection, const GolangTexts& texts, const Wait& wait, HistoryView& view) {
    view.format = Format::golang;
    view.exists = true;
    try {
        const auto read = connection.prepare(texts.read, nullptr, wait);
        while (read->next(wait)) add_golang_row(view, *read, 0, texts.table);
    } catch (const Error& error) {
        throw unreadable(texts.table, "golang-migrate", error);
    }
}

}  // namespace mtdb::migrate
