// SPDX-License-Identifier: MIT
#include "migrate/history.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <ctime>

#include "base/text.hpp"

namespace mtdb::migrate {

HistoryChoice history_choice(std::string_view text) {
    if (text == "auto") return HistoryChoice::automatic;
    if (text == "flyway") return HistoryChoice::flyway;
    if (text == "golang") return HistoryChoice::golang;
    throw Error(Code::invalid_argument,
                "no history '" + base::excerpt(text) + "': auto, flyway or golang");
}

int64_t integer_of(const db::Value& value) {
    switch (db::carrier_of(value.type)) {
        case db::Carrier::integer:
            return value.slot;
        case db::Carrier::real:
            return static_cast<int64_t>(value.real());
        case db::Carrier::none:
            return 0;
        case db::Carrier::bytes:
            break;
    }
    const auto text = base::trim(value.view());
    int64_t number = 0;
    std::from_chars(text.data(), text.data() + text.size(), number);
    return number;
}

bool truth_of(const db::Value& value) {
    if (db::carrier_of(value.type) != db::Carrier::bytes) return integer_of(value) != 0;
    return base::equal_fold(value.view(), "true") || base::equal_fold(value.view(), "t") ||
           integer_of(value) != 0;
}

std::string text_of(const db::Value& value) {
    switch (db::carrier_of(value.type)) {
        case db::Carrier::integer:
            return std::to_string(value.slot);
        case db::Carrier::real:
            return std::to_string(value.real());
        case db::Carrier::bytes:
            return std::string(value.view());
        case db::Carrier::none:
            break;
    }
    return {};
}

std::string quoted(std::string_view name, const db::Dialect& dialect) {
    std::string out(1, dialect.quote);
    for (const char c : name) {
        if (c == dialect.quote) out += c;
        out += c;
    }
    return out += dialect.quote;
}

std::string qualified(std::string_view name, const db::Dialect& dialect) {
    if (dialect.history.current_namespace.empty()) return quoted(name, dialect);
    return quoted(dialect.history.current_namespace, dialect) + "." + quoted(name, dialect);
}

std::string placeholders(int32_t first, int32_t last, const db::Dialect& dialect) {
    std::string out;
    for (int32_t index = first; index <= last; ++index) {
        if (index > first) out += ", ";
        out += dialect.lexis.style == db::PlaceholderStyle::dollar ? "$" + std::to_string(index) : "?";
    }
    return out;
}

std::string origin_text(std::string_view expression, const std::string& place, std::string_view where) {
    if (expression.empty()) return "''";
    std::string text = "COALESCE((SELECT ";
    text.append(expression).append(" FROM ").append(place).append(" AS h").append(where);
    return text.append(" LIMIT 1), '')");
}

void execute(db::Connection& connection, const std::string& text, const Wait& wait) {
    if (const auto statement = connection.prepare(text, nullptr, wait)) statement->run(wait);
}

Error unreadable(const std::string& table, const char* tool, const Error& cause) {
    if (cause.code() != Code::sql_error) return cause;
    return cause.with_code(Code::invalid_state)
        .with_message("table '" + table + "' is not a history of " + tool + ": " + cause.message());
}

namespace {

std::string literal(std::string_view text) {
    std::string out = "'";
    for (const char c : text) {
        if (c == '\'') out += c;
        out += c;
    }
    return out += "'";
}

std::string with_names(std::string_view query, const std::string& names) {
    std::string text(query);
    constexpr std::string_view mark = "'{names}'";
    if (const std::size_t at = text.find(mark); at != std::string::npos) text.replace(at, mark.size(), names);
    return text;
}

}  // namespace

HistoryTexts::HistoryTexts(const Source& source, const HistoryOptions& options,
                           const db::Dialect& dialect)
    : preferred_(source.layout() == Layout::golang ? Format::golang : Format::flyway),
      options_(options),
      golang_obstacle_(source.golang_obstacle()) {
    if (options.choice == HistoryChoice::flyway) preferred_ = Format::flyway;
    if (options.choice == HistoryChoice::golang) preferred_ = Format::golang;
    const std::string& name = options.table;
    if (name.find('\0') != std::string::npos || base::lower(name).starts_with("sqlite_"))
        throw Error(Code::invalid_argument,
                    "'" + base::excerpt(name) + "' cannot be the name of a history table");
    const auto own = preferred_ == Format::flyway ? flyway_table : golang_table;
    if (base::equal_fold(name, own)) options_.table.clear();
    const std::string chosen = options_.table.empty() ? std::string(own) : name;
    const std::string other(preferred_ == Format::flyway ? golang_table : flyway_table);
    if (base::equal_fold(chosen, other))
        throw Error(Code::invalid_argument,
                    "'" + other + "' is the history table of the other tool");
    flyway = flyway_texts(preferred_ == Format::flyway ? chosen : other, dialect);
    golang = golang_texts(preferred_ == Format::golang ? chosen : other, dialect);
    own_name_ = own;
    const std::string names = literal(flyway.table) + ", " + literal(golang.table) + ", " + literal(own_name_) + ", " +
                              literal(journal_table);
    tables_query = with_names(dialect.history.tables_query, names);
    probe_query = with_names(dialect.history.probe_query, names);
    any_table_query = dialect.history.any_table_query;
}

bool HistoryTexts::note(std::string_view name, Found& found) const {
    if (base::equal_fold(name, flyway.table)) return found.flyway = true;
    if (base::equal_fold(name, golang.table)) return found.golang = true;
    if (base::equal_fold(name, own_name_)) return found.renamed = true;
    if (base::equal_fold(name, journal_table)) return found.journal = true;
    return false;
}

Format HistoryTexts::decide(const Found& found) const {
    if (found.flyway && found.golang)
        throw Error(Code::invalid_state, "two histories, '" + flyway.table + "' and '" +
                                             golang.table +
                                             "': drop the one that no longer counts");
    const bool here = preferred_ == Format::flyway ? found.flyway : found.golang;
    const bool other = preferred_ == Format::flyway ? found.golang : found.flyway;
    const bool bound = options_.choice != HistoryChoice::automatic || !options_.table.empty();
    if (other && bound)
        throw Error(Code::invalid_state,
                    "the options ask for history '" + table(preferred_) + "' but there is '" +
                        table(preferred_ == Format::flyway ? Format::golang : Format::flyway) +
                        "'");
    if (!here && found.renamed)
        throw Error(Code::invalid_state,
                    "option migrate.table names '" + options_.table + "' but there is '" +
                        std::string(preferred_ == Format::flyway ? flyway_table : golang_table) +
                        "'");
    const Format format = found.flyway   ? Format::flyway
                          : found.golang ? Format::golang
                                         : preferred_;
    if (format == Format::golang && !golang_obstacle_.empty())
        throw Error(Code::invalid_state, "history '" + golang.table +
                                             "' cannot hold these scripts: " + golang_obstacle_);
    return format;
}

db::Statement& History::prepared(std::unique_ptr<db::Statement>& slot, std::string_view text,
                                 const Wait& wait) {
    if (slot == nullptr) slot = connection_.prepare(text, nullptr, wait);
    return *slot;
}

namespace {

// Flyway does not count these as content.
bool engine_table(std::string_view name) {
    return base::equal_fold(name.substr(0, 7), "sqlite_") || name == "android_metadata";
}

}  // namespace

HistoryTexts::Found History::probe(const Wait& wait, bool* others) {
    db::Statement& probe = prepared(probe_, texts_.probe_query, wait);
    HistoryTexts::Found found;
    while (probe.next(wait)) texts_.note(probe.value(0).view(), found);
    probe.reset();
    if (others == nullptr || found.flyway || found.golang) return found;
    const auto any = connection_.prepare(texts_.any_table_query, nullptr, wait);
    const bool some = any->next(wait);
    any->reset();
    // The journal alone, or what somebody else made since the probe, with its history: one look at both tells.
    return some ? names(wait, others) : found;
}

HistoryTexts::Found History::find(const Wait& wait, bool* others) {
    return texts_.probe_query.empty() ? names(wait, others) : probe(wait, others);
}

HistoryTexts::Found History::names(const Wait& wait, bool* others) {
    // All names, compared here: a query that compares takes longer to prepare than the rest of a run that finds
    // nothing to do.
    db::Statement& tables = prepared(tables_, texts_.tables_query, wait);
    HistoryTexts::Found found;
    while (tables.next(wait)) {
        const db::Value name = tables.value(0);
        if (!texts_.note(name.view(), found) && others != nullptr && !engine_table(name.view())) *others = true;
    }
    tables.reset();
    return found;
}

HistoryView History::look(const Wait& wait) {
    HistoryView view;
    const HistoryTexts::Found found = find(wait, &view.other_tables);
    view.journal = found.journal;
    view.format = texts_.decide(found);
    view.exists = found.flyway || found.golang;
    return view;
}

HistoryView History::read(const Wait& wait) {
    HistoryView view = look(wait);
    if (!view.exists) return view;
    if (view.format == Format::flyway)
        read_flyway(connection_, texts_.flyway, wait, view);
    else
        read_golang(connection_, texts_.golang, wait, view);
    return view;
}

bool History::changed(const HistoryView& view, const Wait& wait) {
    if (!view.exists) {
        const HistoryTexts::Found found = find(wait, nullptr);
        return found.flyway || found.golang;
    }
    if (view.format == Format::golang) {
        HistoryView now;
        read_golang(connection_, texts_.golang, wait, now);
        return now.version != view.version || now.dirty != view.dirty;
    }
    db::Statement& count = prepared(count_, texts_.flyway.count, wait);
    const bool row = count.next(wait);
    const bool same = row && integer_of(count.value(0)) == view.row_count &&
                      integer_of(count.value(1)) == view.rank_max;
    count.reset();
    return !same;
}

void History::create(HistoryView& view, const Wait& wait) {
    if (view.exists) return;
    const bool flyway = view.format == Format::flyway;
    execute(connection_, flyway ? texts_.flyway.create_table : texts_.golang.create_table, wait);
    const std::string& index = flyway ? texts_.flyway.create_index : texts_.golang.create_index;
    if (!index.empty()) execute(connection_, index, wait);
    view.exists = true;
}

void History::append(HistoryView& view, const Applied& row, int64_t execution_ms,
                     const Wait& wait) {
    using db::Lifetime;
    using db::Value;
    create(view, wait);
    db::Statement& insert = prepared(insert_, texts_.flyway.insert, wait);
    insert.bind(1, Value::integer(row.rank), Lifetime::borrowed);
    insert.bind(2, row.version.empty() ? Value::null() : Value::text(row.version.text()),
                Lifetime::borrowed);
    insert.bind(3, Value::text(row.description), Lifetime::borrowed);
    insert.bind(4, Value::text(row.type), Lifetime::borrowed);
    insert.bind(5, Value::text(row.script), Lifetime::borrowed);
    insert.bind(6, row.checksum ? Value::integer(*row.checksum) : Value::null(),
                Lifetime::borrowed);
    insert.bind(7, Value::integer(execution_ms), Lifetime::borrowed);
    insert.bind(8, Value::integer(row.success ? 1 : 0), Lifetime::borrowed);
    insert.run(wait);
    insert.clear_bindings();
    view.rank_max = row.rank;
    ++view.row_count;
    view.rows.push_back(row);
}

void History::turn(HistoryView& view, int64_t rank, bool success, std::optional<int64_t> execution_ms,
                   std::optional<int32_t> checksum, const Wait& wait) {
    using db::Lifetime;
    using db::Value;
    db::Statement& turn = prepared(turn_, texts_.flyway.turn, wait);
    turn.bind(1, Value::integer(success ? 1 : 0), Lifetime::borrowed);
    turn.bind(2, execution_ms ? Value::integer(*execution_ms) : Value::null(), Lifetime::borrowed);
    turn.bind(3, checksum ? Value::integer(*checksum) : Value::null(), Lifetime::borrowed);
    turn.bind(4, Value::integer(rank), Lifetime::borrowed);
    turn.run(wait);
    const auto row = std::ranges::find(view.rows, rank, &Applied::rank);
    if (row == view.rows.end()) return;
    row->success = success;
    if (checksum) row->checksum = checksum;
}

void History::set_version(HistoryView& view, int64_t version, bool dirty, const Wait& wait) {
    create(view, wait);
    prepared(clear_, texts_.golang.clear, wait).run(wait);
    if (version >= 0 || dirty) {  // golang-migrate too writes -1 when it is dirty
        db::Statement& insert = prepared(insert_, texts_.golang.insert, wait);
        insert.bind(1, db::Value::integer(version), db::Lifetime::copied);
        insert.bind(2, db::Value::integer(dirty ? 1 : 0), db::Lifetime::copied);
        insert.run(wait);
    }
    view.version = version;
    view.dirty = dirty;
}

void History::remove(int64_t rank, const Wait& wait) {
    const auto remove = connection_.prepare(texts_.flyway.remove, nullptr, wait);
    remove->bind(1, db::Value::integer(rank), db::Lifetime::borrowed);
    remove->run(wait);
}

void History::align(int64_t rank, const std::string& description, std::string_view type,
                    const std::optional<int32_t>& checksum, const Wait& wait) {
    using db::Lifetime;
    using db::Value;
    const auto align = connection_.prepare(texts_.flyway.align, nullptr, wait);
    align->bind(1, Value::text(description), Lifetime::borrowed);
    align->bind(2, Value::text(type), Lifetime::borrowed);
    align->bind(3, checksum ? Value::integer(*checksum) : Value::null(), Lifetime::borrowed);
    align->bind(4, Value::integer(rank), Lifetime::borrowed);
    align->run(wait);
}

std::vector<std::string> History::tables(const Wait& wait) {
    db::Statement& tables = prepared(tables_, texts_.tables_query, wait);
    std::vector<std::string> names;
    while (tables.next(wait)) names.emplace_back(tables.value(0).view());
    tables.reset();
    return names;
}

std::vector<std::string> History::younger_tables(const Wait& wait) {
    std::vector<std::string> names;
    if (texts_.golang.younger.empty()) return names;
    const auto tables = connection_.prepare(texts_.golang.younger, nullptr, wait);
    while (tables->next(wait)) names.push_back(text_of(tables->value(0)));
    return names;
}

TenantValues tenant_values(db::Connection& connection, const db::Dialect& dialect, const Wait& wait) {
    TenantValues values;
    values.schema = dialect.history.current_namespace;
    if (!dialect.history.place_query.empty()) {
        const auto place = connection.prepare(dialect.history.place_query, nullptr, wait);
        if (place->next(wait)) {
            values.schema = text_of(place->value(0));
            values.user = text_of(place->value(1));
            values.database = text_of(place->value(2));
        }
    }
    const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
    std::tm local{};
    localtime_r(&now, &local);
    std::array<char, 32> text{};
    values.timestamp.assign(text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S", &local));
    return values;
}

}  // namespace mtdb::migrate
