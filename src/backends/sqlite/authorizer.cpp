// SPDX-License-Identifier: MIT
#include "backends/sqlite/authorizer.hpp"

#include <algorithm>
#include <cstring>

#include "base/text.hpp"

namespace mtdb::backends::sqlite {

namespace {

using enum PragmaUse;

// Ascending by name. What is missing is refused, also for reading.
constexpr PragmaRule pragmas[] = {
    {"analysis_limit", set_session},
    {"application_id", set},
    {"auto_vacuum", read},
    {"automatic_index", read},
    {"busy_timeout", read},
    {"cache_size", read},
    {"cache_spill", read},
    {"cell_size_check", read},
    {"checkpoint_fullfsync", read},
    {"collation_list", read},
    {"compile_options", read},
    {"data_version", read},
    {"database_list", read},
    {"defer_foreign_keys", set_deferred},
    {"encoding", read},
    {"foreign_key_check", query},
    {"foreign_key_list", query},
    {"foreign_keys", set_session},
    {"freelist_count", read},
    {"fullfsync", read},
    {"function_list", read},
    {"hard_heap_limit", read},
    {"ignore_check_constraints", read},
    {"incremental_vacuum", action},
    {"index_info", query},
    {"index_list", query},
    {"index_xinfo", query},
    {"integrity_check", query},
    {"journal_mode", read},
    {"journal_size_limit", read},
    {"legacy_alter_table", set_session},
    {"locking_mode", read},
    {"max_page_count", read},
    {"mmap_size", read},
    {"module_list", read},
    {"optimize", action},
    {"page_count", read},
    {"page_size", read},
    {"pragma_list", read},
    {"query_only", read},
    {"quick_check", query},
    {"read_uncommitted", read},
    {"recursive_triggers", set_session},
    {"reverse_unordered_selects", read},
    {"schema_version", read},
    {"secure_delete", read},
    {"shrink_memory", action},
    {"soft_heap_limit", read},
    {"synchronous", read},
    {"table_info", query},
    {"table_list", query},
    {"table_xinfo", query},
    {"temp_store", read},
    {"threads", read},
    {"trusted_schema", read},
    {"user_version", set},
    {"wal_autocheckpoint", read},
    {"wal_checkpoint", action},
    {"writable_schema", read},
};
static_assert(std::ranges::is_sorted(pragmas, {}, &PragmaRule::name));

constexpr std::string_view modules[] = {"fts3", "fts4", "fts5", "geopoly", "rtree", "rtree_i32"};
constexpr std::string_view functions_refused[] = {"fts3_tokenizer", "load_extension"};
// Shows the text of every statement of the connection, other leases' too.
constexpr std::string_view tables_refused[] = {"sqlite_stmt"};

// The list's entry for a name in any case, without allocating.
template <class List, class Name>
auto find_folded(const List& list, std::string_view name, Name&& name_of) {
    return std::ranges::find_if(
        list, [&](const auto& entry) { return base::equal_fold(name_of(entry), name); });
}

bool contains(std::span<const std::string_view> names, const char* name) noexcept {
    return name != nullptr &&
           find_folded(names, name, [](std::string_view entry) { return entry; }) != names.end();
}

bool is_temp(const char* database) noexcept {
    return database != nullptr && base::equal_fold(database, "temp");
}

db::Control control_of(const char* verb) noexcept {
    if (verb == nullptr) return db::Control::none;
    if (base::equal_fold(verb, "BEGIN")) return db::Control::begin;
    if (base::equal_fold(verb, "COMMIT")) return db::Control::commit;
    if (base::equal_fold(verb, "ROLLBACK")) return db::Control::rollback;
    return db::Control::none;
}

}  // namespace

std::span<const PragmaRule> pragma_rules() noexcept { return pragmas; }

PragmaUse pragma_use(std::string_view name) noexcept {
    const auto rule =
        find_folded(pragmas, name, [](const PragmaRule& entry) { return entry.name; });
    return rule == std::end(pragmas) ? refused : rule->use;
}

void Authorizer::watch(sqlite3* db) noexcept {
    sqlite3_set_authorizer(db, &Authorizer::judge, this);
}

int Authorizer::refuse(std::string_view what, const char* name) noexcept {
    const auto append = [this](std::string_view text) {
        const std::size_t size = std::min(text.size(), sizeof refusal_ - refusal_size_);
        std::memcpy(refusal_ + refusal_size_, text.data(), size);
        refusal_size_ += size;
    };
    refusal_size_ = 0;
    append(what);
    if (name != nullptr) {
        append(" '");
        append(std::string_view(name).substr(0, 40));
        append("'");
    }
    append(" is not permitted");
    return SQLITE_DENY;
}

// `mark`: what the setting leaves behind.
int Authorizer::judge_flag(bool sets, bool& mark) noexcept {
    if (!sets) return SQLITE_OK;
    if (!flags_pass_) {
        held_back_ = true;
        return SQLITE_IGNORE;
    }
    mark = true;
    return SQLITE_OK;
}

void Authorizer::judge_checkpoint(const char* mode, const char* database) noexcept {
    constexpr std::string_view modes[] = {"full", "passive", "restart", "truncate"};
    checkpoints_all_ = database == nullptr;
    checkpoint_mode_ = {};
    if (mode == nullptr) return;
    const auto known = find_folded(modes, mode, [](std::string_view entry) { return entry; });
    if (known != std::end(modes)) checkpoint_mode_ = *known;
}

int Authorizer::judge_pragma(const char* name, const char* argument,
                             const char* database) noexcept {
    if (name == nullptr) return refuse("pragma");
    if (sqlite3_stricmp(name, "wal_checkpoint") == 0) judge_checkpoint(argument, database);
    writes_unseen_ |= sqlite3_stricmp(name, "optimize") == 0;  // runs ANALYZE
    switch (pragma_use(name)) {
        case refused:
            return refuse("pragma", name);
        case read:
            return argument == nullptr ? SQLITE_OK : refuse("setting pragma", name);
        case set_session:
            return judge_flag(argument != nullptr, session_state_);
        case set_deferred:
            return judge_flag(argument != nullptr, deferred_keys_);
        case set:
            session_state_ |= argument != nullptr && is_temp(database);
            return SQLITE_OK;
        case query:
        case action:
            return SQLITE_OK;
    }
    return refuse("pragma", name);
}

int Authorizer::judge_module(const char* module, const char* database) noexcept {
    if (!contains(modules, module)) return refuse("virtual table module", module);
    session_state_ |= is_temp(database);
    return SQLITE_OK;
}

int Authorizer::judge(void* self, int action, const char* a, const char* b, const char* database,
                      const char*) noexcept {
    Authorizer& authorizer = *static_cast<Authorizer*>(self);
    switch (action) {
        case SQLITE_TRANSACTION:
            authorizer.control_ = control_of(a);
            return SQLITE_OK;
        case SQLITE_SAVEPOINT:
            authorizer.control_ = db::Control::savepoint;
            return SQLITE_OK;
        case SQLITE_PRAGMA:
            return authorizer.judge_pragma(a, b, database);
        case SQLITE_CREATE_VTABLE:
            return authorizer.judge_module(b, database);
        case SQLITE_ATTACH:
            // VACUUM attaches the empty name, a private temporary file; VACUUM INTO attaches its
            // target.
            if (a != nullptr && *a == '\0') return SQLITE_OK;
            return authorizer.refuse("attaching another database");
        case SQLITE_DETACH:
            return authorizer.refuse("detaching a database");
        case SQLITE_FUNCTION:
            authorizer.calls_functions_ = true;
            if (contains(functions_refused, b)) return authorizer.refuse("function", b);
            // Merges the segments of a full-text table, from within a SELECT.
            authorizer.writes_unseen_ |= b != nullptr && sqlite3_stricmp(b, "optimize") == 0;
            return SQLITE_OK;
        case SQLITE_READ:
            // Names begin with "sqlite_" seldom: the first two letters keep this off the path of
            // every column.
            if (a == nullptr || (a[0] | 0x20) != 's' || !contains(tables_refused, a))
                return SQLITE_OK;
            return authorizer.refuse("table", a);
        case SQLITE_CREATE_INDEX:
        case SQLITE_CREATE_TABLE:
        case SQLITE_CREATE_TRIGGER:
        case SQLITE_CREATE_VIEW:
            // The actions below stand for the keyword TEMP only, not for the schema's name.
            authorizer.session_state_ |= is_temp(database);
            return SQLITE_OK;
        case SQLITE_CREATE_TEMP_INDEX:
        case SQLITE_CREATE_TEMP_TABLE:
        case SQLITE_CREATE_TEMP_TRIGGER:
        case SQLITE_CREATE_TEMP_VIEW:
            authorizer.session_state_ = true;
            return SQLITE_OK;
        default:
            return SQLITE_OK;
    }
}

}  // namespace mtdb::backends::sqlite
