// SPDX-License-Identifier: MIT
// The verbs of a migrator over many tenants.
#include <algorithm>
#include <array>
#include <atomic>
#include <exception>
#include <new>
#include <set>
#include <thread>
#include <utility>

#include "base/text.hpp"
#include "engine/db.hpp"
#include "engine/error_json.hpp"
#include "engine/gate.hpp"
#include "engine/migrator.hpp"

namespace mtdb::engine {
namespace {

using db::Type;

constexpr std::array<std::pair<std::string_view, Verb>, 7> verbs = {{{"migrate", Verb::migrate},
                                                                     {"undo", Verb::undo},
                                                                     {"info", Verb::info},
                                                                     {"status", Verb::info},
                                                                     {"validate", Verb::validate},
                                                                     {"repair", Verb::repair},
                                                                     {"baseline", Verb::baseline}}};

Verb verb_of(std::string_view name) {
    if (const auto verb = find_verb(name)) return *verb;
    throw Error(Code::invalid_argument, "no verb '" + base::excerpt(name) +
                                            "': take migrate, undo, status, info, validate, repair or baseline");
}

void add_text_or_null(TableRows& rows, const std::string& text) {
    text.empty() ? rows.add_null() : rows.add_text(text);
}

// The first of the problems that validate found.
void require_none(const std::vector<migrate::Problem>& problems) {
    if (problems.empty()) return;
    throw Error(problems.front().status,
                std::to_string(problems.size()) + " problems, the first: " + problems.front().message);
}

}  // namespace

std::optional<Verb> find_verb(std::string_view name) {
    const auto found = std::ranges::find(verbs, name, &std::pair<std::string_view, Verb>::first);
    return found == verbs.end() ? std::nullopt : std::optional(found->second);
}

void check_target(Verb verb, std::string_view target) {
    if (verb == Verb::undo)
        migrate::Target::of_undo(target);
    else if (verb == Verb::baseline)
        target.empty() ? migrate::Version() : migrate::Version::parse(target);
    else
        migrate::Target::of_migrate(target);
}

migrate::Status Migrator::run_on(Verb verb, const std::string& tenant, const VerbCall& call, const Wait& wait,
                                   migrate::Progress& progress) {
    const auto scripts = runner();
    progress.want_status = true;
    if (verb != Verb::migrate) require_tenant(tenant, wait);
    if (verb == Verb::repair || verb == Verb::baseline) {
        if (call.before_write) call.before_write();
        if (verb == Verb::repair)
            progress.done = std::ranges::count_if(repair_rows(tenant, true, call.token, wait),
                                                  [](const auto& row) { return row.action != "explain"; });
        else
            baseline(tenant, call.target, {}, call.token, wait);
    }
    pool::Lease lease = db_->lease_for_verb(tenant, wait, call.token);
    if (verb == Verb::migrate)
        engine::run_verb(*db_, lease, *scripts, tenant, false, migrate::Target::of_migrate(call.target), wait,
                         progress, call.before_write);
    else if (verb == Verb::undo)
        engine::run_verb(*db_, lease, *scripts, tenant, true, migrate::Target::of_undo(call.target), wait, progress,
                         call.before_write);
    else if (verb == Verb::validate)
        require_none(scripts->validate(lease.connection(), wait));
    const migrate::Status status =
        progress.status ? *progress.status : scripts->status(lease.connection(), wait).status;
    if (!db_->dialect().shares_connections) lease.close();  // here, by all workers at once: a fleet is many files
    return status;
}

void Migrator::run_shared(std::string_view target, const Wait& wait, migrate::Progress& progress) {
    const auto scripts = runner();
    const auto connection = db_->shared_connection(wait);
    telemetry::Events::AuditPlace place;  // of the script that runs
    progress.enter_write = [&](const Wait&) -> std::shared_ptr<void> {
        place = db_->reserve_audit();
        return nullptr;
    };
    progress.second = [&](const Wait& second_wait) {
        return std::shared_ptr<db::Connection>(db_->shared_connection(second_wait));
    };
    progress.on_step = [&](const migrate::Step& step, int64_t execution_ms) {
        audit_step(*db_, db_->shared_name(), step, execution_ms, std::exchange(place, {}));
    };
    scripts->migrate(*connection, wait, migrate::Target::of_migrate(target), progress);
}

namespace {

// What became of one tenant of a run.
struct Outcome {
    std::optional<Error> failure;
    int64_t applied = 0;
    std::string version;
    std::string state;
};

// One verb over one tenant; what goes wrong is that tenant's outcome.
Outcome run_one(Migrator& migrator, Verb verb, const std::string& tenant, const VerbCall& call, const Wait& wait) {
    Outcome outcome;
    migrate::Progress progress;
    try {
        wait.check("the run");
        const migrate::Status status = migrator.run_on(verb, tenant, call, wait, progress);
        outcome.version = status.current.value_or("");
        outcome.state = migrate::standing_name(status.standing);
    } catch (const Error& error) {
        outcome.failure = error.tenant().empty() ? error.with_tenant(tenant) : error;
    } catch (const std::bad_alloc&) {
        throw;
    } catch (const std::exception& error) {
        outcome.failure = Error(Code::internal, error.what()).with_tenant(tenant);
    }
    outcome.applied = progress.done;
    return outcome;
}

std::vector<std::string> list_of(Db& db, std::string_view tenants, const Wait& wait) {
    if (tenants.empty()) return db.all_tenants(wait);
    std::vector<std::string> list;
    std::set<std::string_view> seen;
    for (const std::string_view line : base::split_lines(tenants)) {
        if (line.empty()) continue;
        if (!seen.insert(line).second)
            throw Error(Code::invalid_argument, "tenant '" + base::excerpt(line) + "' is in the list twice");
        list.emplace_back(line);
    }
    return list;
}

}  // namespace

Ref<Result> Migrator::run(std::string_view verb_name, std::string_view target,
                          std::string_view tenants, const Options& options, const Wait& wait) {
    options.check_scope(Scope::run);
    const Verb verb = verb_of(verb_name);
    check_target(verb, target);
    runner();  // from here on the scripts are final
    const std::vector<std::string> list = list_of(*db_, tenants, wait);
    std::vector<Outcome> outcomes(list.size());
    const std::string quiesce_token = token();
    std::atomic<std::size_t> next{0};
    const Error no_memory = Error(Code::nomem, "out of memory").with_effect(Effect::unknown);
    const auto work = [&]() noexcept {
        for (std::size_t i = next.fetch_add(1); i < list.size(); i = next.fetch_add(1)) {
            try {
                outcomes[i] = run_one(*this, verb, list[i], {target, quiesce_token}, wait);
            } catch (const std::bad_alloc&) {
                outcomes[i].failure = no_memory;
            }
        }
    };
    const auto helpers = std::min<std::size_t>(
        static_cast<std::size_t>(options.integer("run.workers")), list.size());
    {
        std::vector<std::jthread> workers;
        try {
            for (std::size_t i = 1; i < helpers; ++i) workers.emplace_back(work);
        } catch (const std::exception&) {
            // No more threads to be had: those that there are do the work.
        }
        work();  // the caller is a worker too
    }
    auto rows = std::make_unique<TableRows>(
        std::vector<TableRows::Heading>{{"tenant", "TEXT", Type::text},
                                        {"status", "INT64", Type::int64},
                                        {"applied", "INT64", Type::int64},
                                        {"version", "TEXT", Type::text},
                                        {"state", "TEXT", Type::text},
                                        {"message", "TEXT", Type::text},
                                        {"error", "JSON", Type::json}});
    for (std::size_t i = 0; i < list.size(); ++i) {
        const Outcome& outcome = outcomes[i];
        rows->add_text(list[i]);
        rows->add_integer(outcome.failure ? static_cast<int64_t>(outcome.failure->code()) : 0);
        rows->add_integer(outcome.applied);
        add_text_or_null(*rows, outcome.version);
        rows->add_text(outcome.failure ? "failed" : outcome.state);
        if (outcome.failure) {
            rows->add_text(outcome.failure->message());
            rows->add(db::Value::text(json_of(*outcome.failure), Type::json));
        } else {
            rows->add_null();
            rows->add_null();
        }
    }
    return Result::of_rows(std::move(rows));
}

}  // namespace mtdb::engine
