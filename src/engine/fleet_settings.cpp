// SPDX-License-Identifier: MIT
#include "engine/fleet_settings.hpp"

#include "base/error.hpp"

namespace mtdb::engine {
namespace {

control::Resume resume_of(std::string_view text) {
    return text == "failed"    ? control::Resume::failed
           : text == "applied" ? control::Resume::applied
                               : control::Resume::rest;
}

control::Budget budget_of(const Options& options) {
    control::Budget budget;
    budget.stop_at_first = options.text("fleet.on_failure") == "stop";
    const std::string failures = options.text("fleet.failures_max");
    if (!failures.empty()) budget.failures = control::parse_share(failures, "fleet.failures_max");
    if (const int64_t row = options.integer("fleet.failures_in_row_max"); row > 0) budget.consecutive = row;
    return budget;
}

std::size_t size(const Options& options, std::string_view key) {
    return static_cast<std::size_t>(options.integer(key));
}

}  // namespace

FleetSettings::FleetSettings(const Options& options)
    : verb_name(options.text("fleet.verb")),
      verb(find_verb(verb_name)),
      target(options.text("fleet.target")),
      sql(options.text("fleet.sql")),
      write(options.boolean("fleet.write")),
      run(options.text("fleet.run")),
      resume(resume_of(options.text("fleet.resume"))),
      resumes(options.text("fleet.resume") != "new"),
      ledger(options.text("fleet.ledger") == "on"),
      trusts_ledger(options.text("fleet.trust") == "ledger"),
      budget(budget_of(options)),
      waves(control::parse_waves(options.text("fleet.canary"), options.text("fleet.waves"))),
      workers(size(options, "fleet.workers")),
      server_workers(size(options, "fleet.server_workers")),
      retries_max(options.integer("fleet.retries_max")),
      retry_pause(options.integer("fleet.retry_ms")),
      soak(options.integer("fleet.soak_ms")),
      verdict(options.boolean("fleet.verdict")),
      token(options.text("migrate.quiesce_token")) {
    if (!verb && sql.empty()) throw Error(Code::invalid_argument, "verb 'sql' needs option fleet.sql");
    if (verb && !undoes_run()) check_target(*verb, target);
    constexpr std::size_t run_max = 128;  // as the ledger's column has it
    if (run.size() > run_max) throw Error(Code::invalid_argument, "option fleet.run: a name has at most 128 bytes");
    if (resumes && run.empty())
        throw Error(Code::invalid_argument, "a run is taken up by its name: option fleet.run");
    if (undoes_run() && !is(Verb::undo))
        throw Error(Code::invalid_argument,
                    "fleet.resume=applied undoes what the run applied: fleet.verb must be undo");
}

}  // namespace mtdb::engine
