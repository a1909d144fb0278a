// SPDX-License-Identifier: MIT
#include "engine/migrator.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "engine/db.hpp"
#include "engine/gate.hpp"

namespace mtdb::engine {
namespace {

using db::Type;

void add_text_or_null(TableRows& rows, const std::string& text) {
    text.empty() ? rows.add_null() : rows.add_text(text);
}
void add_text_or_null(TableRows& rows, const std::optional<std::string>& text) {
    text ? rows.add_text(*text) : rows.add_null();
}

// Runs work; what goes wrong is told of the tenant.
template <class Work>
decltype(auto) told_of(std::string_view tenant, Work&& work) {
    try {
        return work();
    } catch (const Error& error) {
        if (error.code() == Code::needs || !error.tenant().empty()) throw;
        throw error.with_tenant(tenant);
    }
}

}  // namespace

Migrator::Migrator(Ref<Db> db, const Options& options) : db_(std::move(db)), options_(options) {
    const std::string folder = options_.text("migrate.source");
    if (!folder.empty()) folder_ = migrate::Source::from_folder(folder, source_options(), db_->dialect());
}

migrate::SourceOptions Migrator::source_options() const {
    migrate::SourceOptions source;
    source.layout = migrate::layout_choice(options_.text("migrate.layout"));
    source.naming = {options_.text("migrate.flyway.prefix"),
                     options_.text("migrate.flyway.undo_prefix"),
                     options_.text("migrate.flyway.repeatable_prefix"),
                     options_.text("migrate.flyway.baseline_prefix"),
                     options_.text("migrate.flyway.separator"),
                     {}};
    const std::string suffixes = options_.text("migrate.flyway.suffixes");
    for (std::string_view rest = suffixes; !rest.empty();) {
        const auto comma = std::min(rest.find(','), rest.size());
        if (const auto suffix = base::trim(rest.substr(0, comma)); !suffix.empty())
            source.naming.suffixes.emplace_back(suffix);
        rest.remove_prefix(std::min(comma + 1, rest.size()));
    }
    source.encoding = options_.text("migrate.encoding");
    source.strict_names = options_.boolean("migrate.flyway.strict_names");
    source.mixing = options_.boolean("migrate.mixed") ? migrate::Mixing::allowed : migrate::Mixing::refused;
    source.in_transaction = options_.boolean("migrate.transaction");
    source.placeholders.replace = options_.boolean("migrate.placeholders");
    source.placeholders.prefix = options_.text("migrate.placeholder_prefix");
    source.placeholders.suffix = options_.text("migrate.placeholder_suffix");
    source.placeholders.separator = options_.text("migrate.placeholder_separator");
    const std::string table = options_.text("migrate.table");
    source.placeholders.table = table.empty() ? std::string(migrate::flyway_table) : table;
    for (const auto& [name, value] : options_.prefixed("migrate.placeholder."))
        source.placeholders.values[base::lower(name)] = value;
    return source;
}

std::string Migrator::token() const { return options_.text("migrate.quiesce_token"); }

Ref<Migrator> Migrator::open(const Ref<Db>& db, const Options& options) {
    db->check_open();
    Ref<Migrator> migrator = Ref<Migrator>::adopt(new Migrator(db, options));
    if (migrator->folder_ != nullptr)
        migrator->runner();  // options that contradict the scripts are told now
    return migrator;
}

migrate::Options Migrator::rules() const {
    migrate::Options rules;
    rules.history.choice = migrate::history_choice(options_.text("migrate.history"));
    rules.history.table = options_.text("migrate.table");
    rules.rules.out_of_order = options_.boolean("migrate.out_of_order");
    rules.rules.newer = options_.boolean("migrate.newer");
    rules.rules.ignore = migrate::ignore_patterns(options_.text("migrate.ignore"));
    rules.rules.group = options_.boolean("migrate.group");
    rules.rules.record_only = options_.boolean("migrate.record_only");
    rules.rules.baseline_on_migrate = options_.boolean("migrate.baseline_on_migrate");
    rules.rules.baseline_version = migrate::Version::parse(options_.text("migrate.baseline_version")).text();
    rules.rules.baseline_description = options_.text("migrate.baseline_description");
    rules.locks.timeout = base::milliseconds(options_.integer("migrate.lock_timeout_ms"));
    rules.locks.retries = options_.integer("migrate.lock_retries");
    return rules;
}

void Migrator::add(migrate::InlineScript script) {
    if (folder_ != nullptr)
        throw Error(Code::invalid_state, "this migrator reads its scripts from a folder");
    auto scripts = scripts_.lock();
    if (scripts->runner != nullptr)
        throw Error(Code::invalid_state, "the scripts are final once a verb has run");
    auto all = scripts->inline_scripts;
    all.push_back(std::move(script));
    // Throws for a bad or a second version.
    migrate::Source::from_inline(all, db_->dialect(), source_options());
    scripts->inline_scripts = std::move(all);
}

std::shared_ptr<const migrate::Runner> Migrator::runner() {
    auto scripts = scripts_.lock();
    if (scripts->runner == nullptr) {
        auto source = folder_;
        if (source == nullptr)
            source = migrate::Source::from_inline(scripts->inline_scripts, db_->dialect(), source_options());
        scripts->runner = std::make_shared<const migrate::Runner>(source, rules(), db_->dialect());
    }
    return scripts->runner;
}

void Migrator::enable() {
    const std::string mode = options_.text("migrate.mode");
    db_->enable(std::make_shared<Gate>(runner(),
                                       mode == "auto"    ? Mode::automatic
                                       : mode == "check" ? Mode::check
                                                         : Mode::manual,
                                       options_.boolean("migrate.newer"),
                                       base::milliseconds(options_.integer("migrate.backoff_ms")),
                                       base::milliseconds(options_.integer("migrate.timeout_ms"))));
}

// Reading verbs never create a tenant, even where leases do.
void Migrator::require_tenant(std::string_view tenant, const Wait& wait) {
    if (!db_->creates_on_first_use()) return;  // then no lease does
    if (!db_->tenant_exists(tenant, wait))
        throw Error(Code::tenant_unknown, "no tenant '" + base::excerpt(tenant) + "'")
            .with_tenant(tenant);
}

Ref<Result> Migrator::plan(std::string_view tenant, std::string_view target, const Wait& wait) {
    const auto goal = migrate::Target::of_migrate(target);
    require_tenant(tenant, wait);
    const pool::Lease lease = db_->lease_for_verb(tenant, wait, token());
    const auto scripts = runner();  // the plan points into them
    const migrate::Plan plan =
        told_of(tenant, [&] { return scripts->plan(lease.connection(), wait, goal); });
    auto rows = std::make_unique<TableRows>(
        std::vector<TableRows::Heading>{{"version", "TEXT", Type::text},
                                        {"description", "TEXT", Type::text},
                                        {"script", "TEXT", Type::text},
                                        {"kind", "TEXT", Type::text},
                                        {"checksum", "INT64", Type::int64},
                                        {"state", "TEXT", Type::text},
                                        {"problem", "TEXT", Type::text},
                                        {"transactional", "INT64", Type::int64},
                                        {"statements", "INT64", Type::int64},
                                        {"destructive", "TEXT", Type::text}});
    for (const migrate::PlanRow& row : migrate::rows_of(plan)) {
        add_text_or_null(*rows, row.version);
        rows->add_text(row.description);
        rows->add_text(row.script);
        rows->add_text(row.kind);
        row.checksum ? rows->add_integer(*row.checksum) : rows->add_null();
        rows->add_text(row.state);
        add_text_or_null(*rows, row.problem);
        rows->add_integer(row.transactional ? 1 : 0);
        rows->add_integer(row.statements);
        add_text_or_null(*rows, row.destructive);
    }
    return Result::of_rows(std::move(rows));
}

void Migrator::migrate(std::string_view tenant, std::string_view target, const Wait& wait,
                       int64_t& applied) {
    const auto goal = migrate::Target::of_migrate(target);
    migrate::Progress progress;
    struct Report {
        migrate::Progress& progress;
        int64_t& applied;
        ~Report() { applied = progress.done; }
    } report{progress, applied};
    pool::Lease lease = db_->lease_for_verb(tenant, wait, token());
    run_verb(*db_, lease, *runner(), std::string(tenant), false, goal, wait, progress);
}

void Migrator::undo(std::string_view tenant, std::string_view target, const Wait& wait,
                    int64_t& undone) {
    const auto goal = migrate::Target::of_undo(target);
    migrate::Progress progress;
    struct Report {
        migrate::Progress& progress;
        int64_t& undone;
        ~Report() { undone = progress.done; }
    } report{progress, undone};
    require_tenant(tenant, wait);
    pool::Lease lease = db_->lease_for_verb(tenant, wait, token());
    run_verb(*db_, lease, *runner(), std::string(tenant), true, goal, wait, progress);
}

Ref<Result> Migrator::status(std::string_view tenant, const Wait& wait) {
    require_tenant(tenant, wait);
    const pool::Lease lease = db_->lease_for_verb(tenant, wait, token());
    const migrate::StatusRow row =
        told_of(tenant, [&] { return runner()->status(lease.connection(), wait); });
    auto rows = std::make_unique<TableRows>(
        std::vector<TableRows::Heading>{{"tenant", "TEXT", Type::text},
                                        {"current", "TEXT", Type::text},
                                        {"target", "TEXT", Type::text},
                                        {"state", "TEXT", Type::text},
                                        {"pending", "INT64", Type::int64},
                                        {"applied_at", "TEXT", Type::text},
                                        {"history", "TEXT", Type::text},
                                        {"problem", "TEXT", Type::text}});
    rows->add_text(tenant);
    add_text_or_null(*rows, row.status.current);
    add_text_or_null(*rows, row.status.target);
    rows->add_text(migrate::standing_name(row.status.standing));
    rows->add_integer(row.status.pending);
    add_text_or_null(*rows, row.status.applied_at);
    rows->add_text(row.history);
    add_text_or_null(*rows, row.status.problem);
    return Result::of_rows(std::move(rows));
}

// ---- verbs on the history -----------------------------------------------------------------------

namespace {

// Callbacks write: the tenant's writer turn is taken for each.
migrate::Progress writing(const Db& db, std::string_view tenant, pool::Lease& lease) {
    migrate::Progress progress;
    progress.name = db.namespace_of(tenant);
    progress.enter_write = [&lease](const Wait& wait) -> std::shared_ptr<void> {
        lease.take_turn(wait);
        return {static_cast<void*>(&lease), [](void* held) { static_cast<pool::Lease*>(held)->give_turn(); }};
    };
    return progress;
}

}  // namespace

Ref<Result> Migrator::info(std::string_view tenant, std::string_view target, const Wait& wait) {
    const auto goal = migrate::Target::of_migrate(target);
    require_tenant(tenant, wait);
    pool::Lease lease = db_->lease_for_verb(tenant, wait, token());
    migrate::Progress progress = writing(*db_, tenant, lease);
    const auto entries = told_of(tenant, [&] { return runner()->info(lease.connection(), wait, goal, progress); });
    auto rows = std::make_unique<TableRows>(
        std::vector<TableRows::Heading>{{"category", "TEXT", Type::text},
                                        {"version", "TEXT", Type::text},
                                        {"description", "TEXT", Type::text},
                                        {"type", "TEXT", Type::text},
                                        {"script", "TEXT", Type::text},
                                        {"state", "TEXT", Type::text},
                                        {"installed_rank", "INT64", Type::int64},
                                        {"checksum", "INT64", Type::int64},
                                        {"installed_on", "TEXT", Type::text},
                                        {"installed_by", "TEXT", Type::text},
                                        {"execution_ms", "INT64", Type::int64},
                                        {"undoable", "INT64", Type::int64}});
    const auto add_integer_or_null = [&](const auto& number) {
        number ? rows->add_integer(*number) : rows->add_null();
    };
    for (const migrate::InfoRow& row : entries) {
        rows->add_text(row.category);
        add_text_or_null(*rows, row.version);
        rows->add_text(row.description);
        rows->add_text(row.type);
        rows->add_text(row.script);
        rows->add_text(row.state);
        add_integer_or_null(row.rank);
        add_integer_or_null(row.checksum);
        add_text_or_null(*rows, row.installed_on);
        row.rank ? rows->add_text(row.installed_by) : rows->add_null();
        add_integer_or_null(row.execution_ms);
        rows->add_integer(row.undoable ? 1 : 0);
    }
    return Result::of_rows(std::move(rows));
}

template <class Work>
void Migrator::change(std::string_view tenant, Change kind, std::string_view token, const Wait& wait, Work&& work) {
    require_tenant(tenant, wait);
    pool::Lease lease = db_->lease_for_verb(tenant, wait, token);
    migrate::Progress progress = writing(*db_, tenant, lease);
    auto place = db_->reserve_audit();
    std::string detail;
    try {
        detail = told_of(tenant, [&] { return work(*runner(), lease.connection(), progress); });
    } catch (...) {
        db_->forget_schema(lease);
        throw;
    }
    if (detail.empty()) return;
    db_->forget_schema(lease);
    lease.set_mark(0);  // the next first lease asks again
    db_->audit(kind == Change::repaired    ? "migration.repaired"
               : kind == Change::baselined ? "migration.baselined"
               : kind == Change::forced    ? "migration.forced"
                                           : "migration.dropped",
               tenant, detail, {}, std::move(place));
}

std::vector<migrate::RepairRow> Migrator::repair_rows(std::string_view tenant, bool apply, std::string_view token,
                                                      const Wait& wait) {
    std::vector<migrate::RepairRow> repairs;
    const auto work = [&](const migrate::Runner& scripts, db::Connection& connection, migrate::Progress& progress) {
        repairs = scripts.repair(connection, wait,
                                 apply ? migrate::Runner::Apply::yes : migrate::Runner::Apply::no, progress);
        const auto changed = std::ranges::count_if(repairs, [](const auto& r) { return r.action != "explain"; });
        return apply && changed > 0 ? std::to_string(changed) + " changes" : std::string();
    };
    change(tenant, Change::repaired, token, wait, work);
    return repairs;
}

Ref<Result> Migrator::repair(std::string_view tenant, bool apply, const Wait& wait) {
    const auto repairs = repair_rows(tenant, apply, token(), wait);
    auto rows = std::make_unique<TableRows>(std::vector<TableRows::Heading>{{"action", "TEXT", Type::text},
                                                                            {"version", "TEXT", Type::text},
                                                                            {"description", "TEXT", Type::text},
                                                                            {"script", "TEXT", Type::text},
                                                                            {"detail", "TEXT", Type::text}});
    for (const migrate::RepairRow& row : repairs) {
        rows->add_text(row.action);
        add_text_or_null(*rows, row.version);
        rows->add_text(row.description);
        rows->add_text(row.script);
        rows->add_text(row.detail);
    }
    return Result::of_rows(std::move(rows));
}

void Migrator::baseline(std::string_view tenant, std::string_view version, std::string_view description,
                        std::string_view token, const Wait& wait) {
    const auto base = migrate::Version::parse(version.empty() ? options_.text("migrate.baseline_version") : version);
    const std::string text =
        description.empty() ? options_.text("migrate.baseline_description") : std::string(description);
    change(tenant, Change::baselined, token, wait,
           [&](const migrate::Runner& scripts, db::Connection& connection, migrate::Progress& progress) {
               scripts.baseline(connection, wait, base, text, progress);
               return base.text();
           });
}

void Migrator::force(std::string_view tenant, std::string_view version, const Wait& wait) {
    std::optional<int64_t> number;
    if (version != "empty" && version != "-1") {
        number = migrate::Version::parse(version).number();
        if (!number)
            throw Error(Code::invalid_argument, "'" + base::excerpt(version) + "' is not one number, nor 'empty'");
    }
    change(tenant, Change::forced, token(), wait,
           [&](const migrate::Runner& scripts, db::Connection& connection, migrate::Progress& progress) {
               scripts.force(connection, wait, number, progress);
               return std::string(version);
           });
}

void Migrator::drop(std::string_view tenant, const Wait& wait, int64_t& dropped) {
    if (options_.text("migrate.drop") != "allow")
        throw Error(Code::invalid_state, "dropping all that a tenant has needs the option migrate.drop=allow");
    change(tenant, Change::dropped, token(), wait,
           [&](const migrate::Runner& scripts, db::Connection& connection, migrate::Progress& progress) {
               dropped = scripts.drop(connection, wait, 100, progress);
               return std::to_string(dropped) + " objects";
           });
}

Ref<Result> Migrator::validate(std::string_view tenant, const Wait& wait) {
    require_tenant(tenant, wait);
    pool::Lease lease = db_->lease_for_verb(tenant, wait, token());
    migrate::Progress progress = writing(*db_, tenant, lease);
    auto rows = std::make_unique<TableRows>(
        std::vector<TableRows::Heading>{{"code", "TEXT", Type::text},
                                        {"version", "TEXT", Type::text},
                                        {"description", "TEXT", Type::text},
                                        {"script", "TEXT", Type::text},
                                        {"message", "TEXT", Type::text},
                                        {"repair", "TEXT", Type::text}});
    const auto problems =
        told_of(tenant, [&] { return runner()->validate(lease.connection(), wait, progress); });
    for (const migrate::Problem& problem : problems) {
        rows->add_text(problem.code);
        add_text_or_null(*rows, problem.version);
        rows->add_text(problem.description);
        rows->add_text(problem.script);
        rows->add_text(problem.message);
        add_text_or_null(*rows, problem.repair);
    }
    return Result::of_rows(std::move(rows));
}

}  // namespace mtdb::engine
