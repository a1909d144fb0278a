// SPDX-License-Identifier: MIT
#include "migrate/repair.hpp"

#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "db/lexer.hpp"

namespace mtdb::migrate {

namespace {

std::string text_of(const std::optional<int32_t>& checksum) { return checksum ? std::to_string(*checksum) : "none"; }

std::optional<Repair> alignment_of(const Entry& entry) {
    const Applied& row = *entry.row;
    const Script& script = *entry.script;
    Repair repair{Repair::Action::align, row, &script, -1, {}};
    const auto add = [&](std::string_view what, std::string_view before, std::string_view after) {
        if (!repair.detail.empty()) repair.detail += ", ";
        repair.detail += std::string(what) + " " + std::string(before) + " -> " + std::string(after);
    };
    if (row.version.empty()) {
        // Of a repeatable only the checksum over the text with its placeholders becomes the one without.
        if (row.checksum == script.checksum || !script.matches(row.checksum)) return std::nullopt;
        repair.row.description = row.description;
    } else if (row.description != script.description) {
        add("description", "'" + base::excerpt(row.description) + "'", "'" + base::excerpt(script.description) + "'");
        repair.row.description = script.description;
    }
    if (!row.version.empty() && row.type != script.type()) {
        add("type", row.type, script.type());
        repair.row.type = script.type();
    }
    if (row.checksum != script.checksum) add("checksum", text_of(row.checksum), text_of(script.checksum));
    repair.row.checksum = script.checksum;
    return repair.detail.empty() ? std::nullopt : std::optional(std::move(repair));
}

// What a script's tables tell of whether it ran.
enum class Evidence {
    none,     // nothing of it is in effect
    present,  // its tables are there: perhaps by it, perhaps they made it fail
    made,     // its tables are there, made by it
    unknown
};

std::string bare_name(const db::Token& token) {
    if (token.kind == db::Token::Kind::word) return std::string(token.text);
    return std::string(token.text.substr(1, token.text.size() - 2));
}

// CREATE TABLE name: one that would fail if the table were there.
std::string table_made_by(std::string_view sql, const db::Dialect& dialect) {
    db::Lexer lexer(sql, dialect.lexis);
    if (!lexer.next().is("CREATE") || !lexer.next().is("TABLE")) return {};
    const db::Token name = lexer.next();
    const bool named = name.kind == db::Token::Kind::word || name.kind == db::Token::Kind::quoted_name;
    if (!named || name.is("IF") || lexer.next().is('.')) return {};
    return bare_name(name);
}

bool holds(const std::vector<std::string>& names, const std::string& table) {
    return std::ranges::any_of(names, [&](const std::string& name) { return base::equal_fold(name, table); });
}

Evidence evidence_of(const Script& script, const Tables& tables, const db::Dialect& dialect) {
    if (!script.up || script.up->fault) return Evidence::unknown;
    bool any = false, made = true;
    for (const Piece& piece : script.up->split.pieces) {
        const std::string table =
            table_made_by(std::string_view(script.up->text).substr(piece.offset, piece.size), dialect);
        // Where nothing undoes a statement, only the first one's absence tells of those behind it.
        if (table.empty() && !dialect.transactional_ddl && !any) return Evidence::unknown;
        if (table.empty()) continue;
        if (!holds(tables.all, table)) return dialect.transactional_ddl || !any ? Evidence::none : Evidence::unknown;
        any = true;
        made = made && holds(tables.younger, table);
    }
    if (!any || !dialect.transactional_ddl) return Evidence::unknown;
    return made ? Evidence::made : Evidence::present;
}

std::string named(int64_t version) { return version < 0 ? "no version" : "version " + std::to_string(version); }

}  // namespace

std::string_view action_name(Repair::Action action) {
    constexpr std::array<std::string_view, 5> names = {"remove", "mark", "align", "set", "explain"};
    return names[static_cast<std::size_t>(action)];
}

std::vector<Repair> plan_repair(const Source& source, const HistoryView& view, const Rules& rules) {
    std::vector<Repair> repairs;
    HistoryView after = view;
    std::erase_if(after.rows, [](const Applied& row) { return !row.success && row.type != "DELETE"; });
    for (const Applied& row : view.rows)
        if (!row.success && row.type != "DELETE")
            repairs.push_back({Repair::Action::remove, row, nullptr, -1, "the script is recorded as failed"});
    const std::vector<Entry> entries = describe(source, after, Target::latest(), rules);
    for (const Entry& entry : entries) {
        if (entry.state != State::missing && entry.state != State::future) continue;
        if (is_ignored(entry, rules)) continue;
        Repair repair{Repair::Action::mark, *entry.row, nullptr, -1, "the script is no more"};
        repair.row.type = "DELETE";
        repairs.push_back(std::move(repair));
    }
    for (const Entry& entry : entries) {
        const bool live = entry.state == State::success || entry.state == State::out_of_order ||
                          entry.state == State::baseline;
        if (entry.row == nullptr || entry.script == nullptr || !live || entry.row->type == "DELETE") continue;
        if (auto repair = alignment_of(entry)) repairs.push_back(std::move(*repair));
    }
    return repairs;
}

std::vector<Repair> plan_repair_of_dirty(const Source& source, const HistoryView& view, const Tables& tables,
                                         const db::Dialect& dialect) {
    if (!view.dirty) return {};
    // A failed step up says the version that it was to reach, a failed step down the one below the script that it was
    // to undo.
    const auto all = source.versioned();
    const auto above = std::ranges::upper_bound(all, view.version, {}, &Script::number);
    const Script* next = above == all.end() ? nullptr : &*above;
    const Script* own = source.find_number(view.version);
    const Script* previous = own != nullptr && own != all.data() ? own - 1 : nullptr;
    Repair repair{Repair::Action::explain, {}, own, -1, {}};
    const std::string dirty = named(view.version) + " is dirty: ";
    const auto conclude = [&](int64_t version, const std::string& why) {
        repair.action = Repair::Action::set;
        repair.version_after = version;
        repair.detail = dirty + why + ", so the tenant is at " + named(version);
    };
    if (own == nullptr && view.version >= 0) {
        repair.detail = dirty + "it has no script";
        return {repair};
    }
    const Evidence of_next = next == nullptr ? Evidence::none : evidence_of(*next, tables, dialect);
    const Evidence of_own = own == nullptr ? Evidence::present : evidence_of(*own, tables, dialect);
    if (of_next == Evidence::none && of_own == Evidence::none)
        conclude(previous == nullptr ? -1 : previous->number, "nothing of '" + own->name() + "' is there");
    else if (of_next == Evidence::none && of_own == Evidence::made)
        conclude(view.version, "the tables of '" + own->name() + "' were made by it");
    else if (of_next == Evidence::none && own == nullptr)
        conclude(-1, "nothing of '" + next->name() + "' is there");
    else if (of_next == Evidence::present && of_own == Evidence::present)
        conclude(next->number, "the tables of '" + next->name() + "' are there, it was not undone");
    else
        repair.detail = dirty + "its tables do not show whether '" + (own != nullptr ? own : next)->name() +
                        "' was applied; look, then set the version with force";
    return {repair};
}

}  // namespace mtdb::migrate
