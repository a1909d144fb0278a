// SPDX-License-Identifier: MIT
// What a fleet run says of itself.
#include <algorithm>
#include <chrono>

#include "engine/db.hpp"
#include "engine/fleet.hpp"

namespace mtdb::engine {
namespace {

using db::Type;

void add_text_or_null(TableRows& rows, const std::string& text) {
    text.empty() ? rows.add_null() : rows.add_text(text);
}

}  // namespace

Ref<Result> Fleet::results() {
    auto rows = std::make_unique<TableRows>(std::vector<TableRows::Heading>{{"tenant", "TEXT", Type::text},
                                                                            {"wave", "INT64", Type::int64},
                                                                            {"state", "TEXT", Type::text},
                                                                            {"status", "INT64", Type::int64},
                                                                            {"attempts", "INT64", Type::int64},
                                                                            {"applied", "INT64", Type::int64},
                                                                            {"before", "TEXT", Type::text},
                                                                            {"version", "TEXT", Type::text},
                                                                            {"standing", "TEXT", Type::text},
                                                                            {"duration_ms", "INT64", Type::int64},
                                                                            {"message", "TEXT", Type::text},
                                                                            {"error", "JSON", Type::json}});
    auto shared = shared_.lock();
    if (shared->inside) throw Error(Code::invalid_state, "the run is under way: ask mtdb_fleet_progress()");
    for (const FleetItem& item : shared->items) {
        const control::ItemRecord& record = item.record;
        rows->add_text(record.tenant);
        const auto wave = std::ranges::lower_bound(shared->waves, record.wave);
        rows->add_integer(wave - shared->waves.begin() + 1);
        rows->add_text(control::name_of(record.state));
        rows->add_integer(record.status);
        rows->add_integer(record.attempts);
        rows->add_integer(record.applied);
        add_text_or_null(*rows, record.before == control::before_empty ? std::string() : record.before);
        add_text_or_null(*rows, record.version);
        add_text_or_null(*rows, record.standing);
        rows->add_integer(record.duration_ms);
        add_text_or_null(*rows, record.message);
        record.error.empty() ? rows->add_null() : rows->add(db::Value::text(record.error, Type::json));
    }
    return Result::of_rows(std::move(rows));
}

Ref<Result> Fleet::progress() {
    auto rows = std::make_unique<TableRows>(std::vector<TableRows::Heading>{{"run", "TEXT", Type::text},
                                                                            {"state", "TEXT", Type::text},
                                                                            {"wave", "INT64", Type::int64},
                                                                            {"waves", "INT64", Type::int64},
                                                                            {"tenants", "INT64", Type::int64},
                                                                            {"done", "INT64", Type::int64},
                                                                            {"failed", "INT64", Type::int64},
                                                                            {"left", "INT64", Type::int64},
                                                                            {"elapsed_ms", "INT64", Type::int64},
                                                                            {"rate", "DOUBLE", Type::float64},
                                                                            {"reason", "TEXT", Type::text}});
    constexpr std::string_view names[] = {"fresh", "running", "verdict", "halted", "stopped", "done"};
    auto shared = shared_.lock();
    const control::Tally& tally = shared->tally;
    const bool begun = shared->phase != Phase::fresh;
    const bool over = shared->ended != base::Time{};
    const auto span =
        !begun ? base::Clock::duration{} : (over ? shared->ended : base::Clock::now()) - shared->started;
    const double seconds = std::chrono::duration<double>(span).count();
    rows->add_text(begun ? run_ : settings_.run);
    rows->add_text(names[static_cast<std::size_t>(shared->phase)]);
    rows->add_integer(static_cast<int64_t>(std::min(shared->wave + 1, shared->waves.size())));
    rows->add_integer(static_cast<int64_t>(shared->waves.size()));
    rows->add_integer(static_cast<int64_t>(shared->items.size()));
    rows->add_integer(static_cast<int64_t>(tally.done));
    rows->add_integer(static_cast<int64_t>(tally.failed + shared->failed_before));
    rows->add_integer(
        static_cast<int64_t>(shared->items.size() - tally.done - tally.failed - shared->failed_before));
    rows->add_integer(std::chrono::duration_cast<base::milliseconds>(span).count());
    rows->add(db::Value::real(seconds > 0 ? static_cast<double>(shared->ended_here) / seconds : 0));
    add_text_or_null(*rows, shared->reason);
    return Result::of_rows(std::move(rows));
}

}  // namespace mtdb::engine
