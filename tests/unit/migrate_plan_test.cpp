// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "migrate/plan.hpp"

using namespace mtdb::migrate;
using mtdb::Code;

namespace {

using Texts = std::vector<std::string>;

std::shared_ptr<const Source> source_of(std::initializer_list<const char*> versions) {
    std::vector<InlineScript> scripts;
    for (const char* version : versions)
        scripts.push_back({version, "d", std::string("SELECT ") + version, "SELECT 0"});
    return Source::from_inline(scripts);
}

// A history that grows row by row, as if `source` had been applied.
struct Table {
    HistoryView view;
    const Source& source;

    explicit Table(const Source& scripts) : source(scripts) { view.exists = true; }
    Applied& row(const std::string& version, const std::string& type = "SQL", bool success = true) {
        Applied applied;
        applied.rank = ++view.rank_max;
        applied.version = version.empty() ? Version() : Version::parse(version);
        applied.description = "d";
        applied.type = type;
        applied.script = "V" + version + "__d.sql";
        applied.success = success;
        applied.installed_on = "2026-01-0" + std::to_string(applied.rank) + " 00:00:00.000";
        if (const Script* script = source.find(applied.version))
            applied.checksum = script->checksum;
        ++view.row_count;
        return view.rows.emplace_back(std::move(applied));
    }
};

Texts states(const Source& source, const HistoryView& view, const Target& target = {},
             const Rules& rules = {}) {
    Texts out;
    for (const Entry& entry : describe(source, view, target, rules))
        out.push_back((entry.row != nullptr ? entry.row->version : entry.script->version).text() +
                      " " + std::string(display_name(entry.state)));
    return out;
}

Texts steps(const Plan& plan) {
    Texts out;
    for (const Step& step : plan.steps) out.push_back(step.script->version.text());
    return out;
}

Texts codes(const std::vector<Problem>& problems) {
    Texts out;
    for (const Problem& problem : problems) out.push_back(problem.code);
    return out;
}

Code code_of(const Plan& plan) {
    try {
        plan.require_sound();
    } catch (const mtdb::Error& error) {
        return error.code();
    }
    return Code::ok;
}

}  // namespace

TEST_CASE("a fresh tenant gets every script, up to the target") {
    const auto source = source_of({"1", "2", "3.1"});
    HistoryView fresh;
    CHECK(steps(plan_migrate(*source, fresh, Target::latest(), {})) == Texts{"1", "2", "3.1"});
    CHECK(steps(plan_migrate(*source, fresh, Target::of_migrate("2.0"), {})) == Texts{"1", "2"});
    CHECK_THROWS_AS(plan_migrate(*source, fresh, Target::of_migrate("2.5"), {}), mtdb::Error);
    CHECK_THROWS_AS(Target::of_migrate("soon"), mtdb::Error);
    CHECK_THROWS_AS(Target::of_undo(""), mtdb::Error);
}

TEST_CASE("a target below what is applied changes nothing") {
    const auto source = source_of({"1", "2"});
    Table history(*source);
    history.row("1");
    history.row("2");
    CHECK(plan_migrate(*source, history.view, Target::of_migrate("1"), {}).steps.empty());
}

TEST_CASE(
    "tables without a history are a problem only in Flyway's history and only with work to do") {
    const auto source = source_of({"1"});
    HistoryView view;
    view.other_tables = true;
    const Plan plan = plan_migrate(*source, view, {}, {});
    CHECK(codes(plan.problems) == Texts{"NON_EMPTY_SCHEMA_WITHOUT_SCHEMA_HISTORY_TABLE"});
    CHECK(code_of(plan) == Code::invalid_state);
    CHECK(code_of(plan_migrate(*source_of({}), view, {}, {})) == Code::ok);
    view.format = Format::golang;
    CHECK(code_of(plan_migrate(*source, view, {}, {})) == Code::ok);
}

TEST_CASE("every problem is reported at once with Flyway's code") {
    const auto source = source_of({"1", "2", "3", "4", "5"});
    Table history(*source);
    history.row("1").checksum = 7;
    history.row("2").description = "renamed";
    history.row("2.5");
    history.row("4");
    const Plan plan = plan_migrate(*source, history.view, {}, {});
    CHECK(codes(plan.problems) == Texts{"CHECKSUM_MISMATCH", "DESCRIPTION_MISMATCH",
                                        "APPLIED_VERSIONED_MIGRATION_NOT_RESOLVED",
                                        "RESOLVED_VERSIONED_MIGRATION_NOT_APPLIED"});
    CHECK(code_of(plan) == Code::migration_checksum);
    CHECK(codes(check(*source, history.view, {}, Pending::reported)).size() == 5);
}

TEST_CASE("a failed row blocks, a failed row from the future does not") {
    const auto source = source_of({"1", "2"});
    Table history(*source);
    history.row("1", "SQL", false);
    const Plan plan = plan_migrate(*source, history.view, {}, {});
    CHECK(codes(plan.problems) == Texts{"FAILED_VERSIONED_MIGRATION"});
    CHECK(code_of(plan) == Code::migration_dirty);
    Table future(*source);
    future.row("1");
    future.row("2");
    future.row("9", "SQL", false);
    CHECK(code_of(plan_migrate(*source, future.view, {}, {})) == Code::ok);
}

TEST_CASE("a checksum that the history does not know matches") {
    const auto source = source_of({"1"});
    Table history(*source);
    history.row("1").checksum.reset();
    CHECK(plan_migrate(*source, history.view, {}, {}).problems.empty());
}

TEST_CASE("states are Flyway's") {
    const auto source = source_of({"1", "2", "3", "4", "5"});
    SUBCASE("missing, ignored, pending, above target, future") {
        Table history(*source);
        history.row("1");
        history.row("1.5");
        history.row("3");
        CHECK(states(*source, history.view, Target::of_migrate("4")) ==
              Texts{"1 Success", "1.5 Missing", "3 Success", "2 Ignored", "4 Pending",
                    "5 Above Target"});
        history.row("9");
        CHECK(states(*source, history.view) == Texts{"1 Success", "1.5 Missing", "3 Success",
                                                     "9 Future", "2 Ignored", "4 Ignored",
                                                     "5 Ignored"});
    }
    SUBCASE("out of order") {
        Table history(*source);
        history.row("3");
        history.row("1");
        CHECK(states(*source, history.view, {}, {.out_of_order = true}) ==
              Texts{"3 Success", "1 Out of Order", "2 Pending", "4 Pending", "5 Pending"});
    }
    SUBCASE("baseline") {
        Table history(*source);
        history.row("3", "BASELINE");
        CHECK(states(*source, history.view) == Texts{"1 Below Baseline", "2 Below Baseline",
                                                     "3 Ignored (Baseline)", "3 Baseline",
                                                     "4 Pending", "5 Pending"});
        CHECK(code_of(plan_migrate(*source, history.view, {}, {})) == Code::ok);
    }
    SUBCASE("deleted is pending again when newest, ignored when not") {
        Table history(*source);
        history.row("1");
        history.row("2");
        history.row("2", "DELETE");
        CHECK(states(*source, history.view) ==
              Texts{"1 Success", "2 Deleted", "2 Pending", "3 Pending", "4 Pending", "5 Pending"});
        history.row("3");
        CHECK(states(*source, history.view) ==
              Texts{"1 Success", "2 Deleted", "3 Success", "2 Ignored", "4 Pending", "5 Pending"});
        history.row("2", "DELETE");
        CHECK(codes(check(*source, history.view, {}, Pending::ignored)).front() ==
              "DUPLICATE_DELETED_MIGRATION");
    }
    SUBCASE("a paid undo row makes the version pending again") {
        Table history(*source);
        history.row("1");
        history.row("1", "UNDO_SQL");
        CHECK(states(*source, history.view).front() == "1 Undone");
        CHECK(steps(plan_migrate(*source, history.view, {}, {})).size() == 5);
    }
    SUBCASE("rows of other kinds stay applied") {
        Table history(*source);
        history.row("", "SCHEMA");
        history.row("0.5", "JDBC").checksum.reset();
        history.row("1");
        CHECK(code_of(plan_migrate(*source, history.view, {}, {})) == Code::ok);
        CHECK(states(*source, history.view).size() == 7);
    }
}

TEST_CASE("golang-migrate's version says what is applied") {
    const auto source = source_of({"1", "3", "4", "5", "7"});
    HistoryView view;
    view.format = Format::golang;
    view.exists = true;
    const auto up = [&](int64_t from, const char* target) {
        view.version = from;
        return steps(plan_migrate(*source, view, Target::of_migrate(target), {}));
    };
    CHECK(up(-1, "1") == Texts{"1"});
    CHECK(up(-1, "5") == Texts{"1", "3", "4", "5"});
    CHECK(up(-1, "7") == Texts{"1", "3", "4", "5", "7"});
    CHECK(up(7, "7").empty());
    CHECK(up(4, "latest") == Texts{"5", "7"});
    for (const char* nowhere : {"0", "2", "6", "8"}) CHECK_THROWS_AS(up(-1, nowhere), mtdb::Error);

    const auto down = [&](const char* target) {
        Texts out;
        view.version = 7;
        for (const Step& step : plan_undo(*source, view, Target::of_undo(target)).steps)
            out.push_back(step.script->version.text() + ">" + std::to_string(step.version_after));
        return out;
    };
    CHECK(down("5") == Texts{"7>5"});
    CHECK(down("3") == Texts{"7>5", "5>4", "4>3"});
    CHECK(down("empty") == Texts{"7>5", "5>4", "4>3", "3>1", "1>-1"});
    CHECK(down("7").empty());
    CHECK_THROWS_AS(down("6"), mtdb::Error);

    for (const int64_t absent : {0, 2, 6, 8}) {
        view.version = absent;
        CAPTURE(absent);
        CHECK(code_of(plan_migrate(*source, view, {}, {})) ==
              (absent == 8 ? Code::tenant_newer : Code::not_found));
        CHECK(code_of(plan_undo(*source, view, Target::of_undo("1"))) ==
              (absent == 8 ? Code::tenant_newer : Code::not_found));
    }
    CHECK(code_of(plan_migrate(*source, view, {}, {.newer = true})) == Code::ok);
    view.version = 3;
    view.dirty = true;
    CHECK(code_of(plan_migrate(*source, view, {}, {})) == Code::migration_dirty);
    CHECK(code_of(plan_undo(*source, view, Target::of_undo("1"))) == Code::migration_dirty);
}

TEST_CASE("undo wants a script for every version before it begins") {
    const InlineScript scripts[] = {{"1", "d", "SELECT 1", "SELECT 1"},
                                    {"2", "d", "SELECT 2", {}},
                                    {"3", "d", "SELECT 3", "SELECT 3"}};
    const auto source = Source::from_inline(scripts);
    Table history(*source);
    history.row("1");
    history.row("2");
    history.row("3");
    const Plan plan = plan_undo(*source, history.view, Target::of_undo("empty"));
    CHECK(codes(plan.problems) == Texts{"NO_UNDO"});
    CHECK(code_of(plan) == Code::not_found);
    CHECK(steps(plan_undo(*source, history.view, Target::of_undo("2"))) == Texts{"3"});
}

TEST_CASE("status tells where a tenant stands") {
    const auto source = source_of({"1", "2", "3"});
    HistoryView fresh;
    Status status = status_of(*source, fresh, {});
    CHECK_FALSE(status.current);
    CHECK(status.target == "3");
    CHECK(standing_name(status.standing) == "outdated");
    CHECK(status.pending == 3);

    Table history(*source);
    history.row("1");
    history.row("2");
    history.row("3");
    status = status_of(*source, history.view, {});
    CHECK(status.current == "3");
    CHECK(status.standing == Standing::up_to_date);
    CHECK(status.applied_at == "2026-01-03 00:00:00.000");

    history.row("3", "DELETE");
    status = status_of(*source, history.view, {});
    CHECK(status.current == "2");
    CHECK(status.pending == 1);
    CHECK(status.applied_at == "2026-01-02 00:00:00.000");

    history.row("9");
    history.view.rows.erase(history.view.rows.begin() + 3);  // the deletion
    CHECK(status_of(*source, history.view, {}).standing == Standing::newer);
    history.view.rows[0].checksum = 1;
    CHECK(status_of(*source, history.view, {}).standing == Standing::problem);

    HistoryView golang;
    golang.format = Format::golang;
    golang.version = 8;
    CHECK(status_of(*source, golang, {}).standing == Standing::newer);
    golang.version = 2;
    CHECK(status_of(*source, golang, {}).pending == 1);
    CHECK_FALSE(status_of(*source, golang, {}).applied_at);
}
