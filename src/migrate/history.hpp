// SPDX-License-Identifier: MIT
// The two history tables: which one a tenant has, what it says, and rows exactly as the tool that
// owns it writes them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "db/backend.hpp"
#include "migrate/source.hpp"

namespace mtdb::migrate {

enum class Format { flyway, golang };
enum class HistoryChoice { automatic, flyway, golang };
HistoryChoice history_choice(
    std::string_view text);  // "auto", "flyway", "golang"; throws Error(invalid_argument)

constexpr std::string_view flyway_table = "flyway_schema_history";
constexpr std::string_view golang_table = "schema_migrations";
constexpr std::string_view journal_table = "mtdb_migration";  // ours, beside either: journal.hpp

// A row of Flyway's table.
struct Applied {
    int64_t rank = 0;
    Version version;  // empty: a repeatable or a marker
    std::string description;
    std::string type;
    std::string script;
    std::optional<int32_t> checksum;
    std::string installed_on;
    bool success = false;
    std::string installed_by;
    int64_t execution_ms = 0;
};

// What a tenant's history says at one moment.
struct HistoryView {
    Format format = Format::flyway;
    bool exists = false;
    bool other_tables = false;  // the namespace holds tables besides the history
    bool journal = false;       // and the journal
    std::vector<Applied> rows;  // Flyway's, by rank
    int64_t row_count = 0;      // with those that the tool does not read
    int64_t rank_max = 0;
    int64_t version = -1;  // golang-migrate's; -1: nothing applied
    bool dirty = false;
};

struct HistoryOptions {
    HistoryChoice choice = HistoryChoice::automatic;
    std::string table;  // empty: the tool's own name
};

struct FlywayTexts {
    std::string table;
    std::string create_table, create_index, read, count, insert, turn, remove, align;
    std::string origin;  // a scalar: which row of rank "{target}" this is
};
// What applied_of() and add_golang_row() take. Unquoted: SQLite would take a quoted name that no column has for a
// string.
constexpr std::string_view flyway_columns =
    "installed_rank, version, description, type, script, checksum, installed_on, success, installed_by, "
    "execution_time";
constexpr std::string_view golang_columns = "version, dirty";
// From column `first` on.
Applied applied_of(const db::Rows& row, int32_t first, const std::string& table);
void add_row(HistoryView& view, Applied applied);
void sort_rows(HistoryView& view);  // once all are there
FlywayTexts flyway_texts(const std::string& table, const db::Dialect& dialect);
void read_flyway(db::Connection& connection, const FlywayTexts& texts, const Wait& wait,
                 HistoryView& view);

struct GolangTexts {
    std::string table;
    std::string create_table, create_index, read, clear, insert, younger;
    std::string origin;  // a scalar: which row this is
};
// The history's row as a scalar that another row, written by another, does not have. `where` ends the query.
std::string origin_text(std::string_view expression, const std::string& place, std::string_view where);
GolangTexts golang_texts(const std::string& table, const db::Dialect& dialect);
// Version and dirty, from column `first` on; the one row that there may be.
void add_golang_row(HistoryView& view, const db::Rows& row, int32_t first, const std::string& table);
void read_golang(db::Connection& connection, const GolangTexts& texts, const Wait& wait,
                 HistoryView& view);

// Every SQL text that histories need: made once for all tenants.
class HistoryTexts {
public:
    // Throws Error(invalid_argument) for a table name that cannot be one.
    HistoryTexts(const Source& source, const HistoryOptions& options, const db::Dialect& dialect);

    struct Found {
        bool flyway = false;
        bool golang = false;
        bool renamed = false;  // a table of the tool's own name, though `table` gives another
        bool journal = false;
    };
    // Marks what a table of that name is; false: neither a history nor the journal.
    bool note(std::string_view name, Found& found) const;
    // Throws Error(invalid_state) when what is there contradicts itself, the options, or the
    // scripts.
    Format decide(const Found& found) const;
    Format preferred() const noexcept { return preferred_; }
    const std::string& table(Format format) const {
        return format == Format::flyway ? flyway.table : golang.table;
    }
    const std::string& origin(Format format) const {
        return format == Format::flyway ? flyway.origin : golang.origin;
    }

    // What the preferred tool calls its table, whatever the options call it.
    std::string_view own_name() const { return own_name_; }

    FlywayTexts flyway;
    GolangTexts golang;
    // Of all tables; of those that note() knows; a row where there is any. The latter two may be empty.
    std::string tables_query, probe_query;
    std::string_view any_table_query;

private:
    Format preferred_;
    HistoryOptions options_;
    std::string golang_obstacle_;
    std::string_view own_name_;
};

// One connection's history for the length of one verb: prepares each text at most once.
class History {
public:
    History(const HistoryTexts& texts, db::Connection& connection)
        : texts_(texts), connection_(connection) {}

    HistoryView read(const Wait& wait);
    // True when somebody else wrote since `view` was read. Meant for inside the transaction that
    // will write.
    bool changed(const HistoryView& view, const Wait& wait);

    // Makes the table when it is not there. Where definitions commit by themselves: before the transaction that
    // is to write.
    void create(HistoryView& view, const Wait& wait);
    // These need an open transaction and bring `view` up to date; the first and the last make the table when it is
    // not there.
    void append(HistoryView& view, const Applied& row, int64_t execution_ms, const Wait& wait);
    // Of the row with that rank; without a time or a checksum the row keeps its own.
    void turn(HistoryView& view, int64_t rank, bool success, std::optional<int64_t> execution_ms,
              std::optional<int32_t> checksum, const Wait& wait);
    void set_version(HistoryView& view, int64_t version, bool dirty, const Wait& wait);
    // Of Flyway's row with that rank, as Flyway's repair does: `view` keeps the row as it was.
    void remove(int64_t rank, const Wait& wait);
    void align(int64_t rank, const std::string& description, std::string_view type,
               const std::optional<int32_t>& checksum, const Wait& wait);

    // The names of all tables of the tenant, histories too.
    std::vector<std::string> tables(const Wait& wait);
    // Those of them that are known to be younger than golang-migrate's version.
    std::vector<std::string> younger_tables(const Wait& wait);

private:
    HistoryView look(const Wait& wait);
    // What there is that note() knows. `others`, if asked for: whether there are tables besides, where no history is.
    HistoryTexts::Found find(const Wait& wait, bool* others);
    HistoryTexts::Found probe(const Wait& wait, bool* others);
    HistoryTexts::Found names(const Wait& wait, bool* others);
    db::Statement& prepared(std::unique_ptr<db::Statement>& slot, std::string_view text,
                            const Wait& wait);

    const HistoryTexts& texts_;
    db::Connection& connection_;
    std::unique_ptr<db::Statement> tables_, probe_, count_, insert_, turn_, clear_;
};

// What placeholders ask for, of the tenant that the connection stands in.
TenantValues tenant_values(db::Connection& connection, const db::Dialect& dialect, const Wait& wait);

// Liberal readings of a cell.
int64_t integer_of(const db::Value& value);
bool truth_of(const db::Value& value);
std::string text_of(const db::Value& value);
// The quoted name, in the dialect's present namespace.
std::string quoted(std::string_view name, const db::Dialect& dialect);
std::string qualified(std::string_view name, const db::Dialect& dialect);
// Of parameters `first` to `last`: "?, ?" or "$1, $2".
std::string placeholders(int32_t first, int32_t last, const db::Dialect& dialect);
void execute(db::Connection& connection, const std::string& text, const Wait& wait);
// A failed reading of a table that lacks columns: never taken for an empty history.
Error unreadable(const std::string& table, const char* tool, const Error& cause);

}  // namespace mtdb::migrate
