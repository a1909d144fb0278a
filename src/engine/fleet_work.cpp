// SPDX-License-Identifier: MIT
#include "engine/fleet_work.hpp"

#include <algorithm>
#include <exception>
#include <new>
#include <utility>

#include "engine/db.hpp"
#include "engine/error_json.hpp"
#include "engine/fleet_rows.hpp"

namespace mtdb::engine {
namespace {

using control::ItemState;

constexpr base::milliseconds retry_pause_max{30000};
constexpr std::size_t block_size = 64 * 1024;  // of rows on their way to the reader; larger for a larger row

// The server has as many connections as it takes: nothing is wrong with the tenant.
bool is_refusal(const Error& error) {
    const bool mysql = error.engine() == "mysql" && (error.native() == 1040 || error.native() == 1203);
    return mysql || error.sqlstate() == "53300";
}

bool is_end_of_wait(Code code) {
    return code == Code::cancelled || code == Code::timeout || code == Code::closed;
}

}  // namespace

void FleetWork::run(FleetItem& item, const Board::Job& job, const Wait& wait) const {
    const auto start = base::Clock::now();
    base::milliseconds pause = settings_.retry_pause;
    for (int64_t tries = 0;;) {
        ++item.record.attempts;
        item.failure.reset();
        attempt(item, job, wait);
        if (!tries_again(item, job, tries, wait)) break;
        board_.rest(wait, pause, stopping_);
        if (stopping_.load(std::memory_order_acquire)) break;
        pause = std::min(2 * pause, retry_pause_max);
    }
    control::ItemRecord& record = item.record;
    record.duration_ms = std::chrono::duration_cast<base::milliseconds>(base::Clock::now() - start).count();
    // The end of the wait is the run's, not the tenant's: it is still to be done.
    // SQL that wrote something has failed: it has no history, and would write it twice.
    if (item.failure && wait.over() && is_end_of_wait(item.failure->code()) && may_repeat(*item.failure))
        item.left = true;
    record.state = item.left ? ItemState::pending : item.failure ? ItemState::failed : ItemState::done;
    record.status = item.failure ? static_cast<int64_t>(item.failure->code()) : 0;
    record.message = item.failure ? item.failure->message() : std::string();
    record.error = item.failure ? json_of(*item.failure) : std::string();
}

void FleetWork::attempt(FleetItem& item, const Board::Job& job, const Wait& wait) const {
    const std::string& tenant = item.record.tenant;
    try {
        wait.check("the fleet run");
        settings_.verb ? run_verb(item, job, wait) : run_sql(item, job, wait);
    } catch (const Error& error) {
        item.failure = error.tenant().empty() ? error.with_tenant(tenant) : error;
    } catch (const std::bad_alloc&) {
        item.failure = Error(Code::nomem, "out of memory").with_tenant(tenant).with_effect(Effect::unknown);
    } catch (const std::exception& error) {
        item.failure = Error(Code::internal, error.what()).with_tenant(tenant);
    }
}

bool FleetWork::tries_again(const FleetItem& item, const Board::Job& job, int64_t& tries, const Wait& wait) const {
    if (!item.failure || item.left || item.streamed || wait.over()) return false;
    if (stopping_.load(std::memory_order_acquire)) return false;
    // A server that refuses is asked for less, and that costs the tenant no try.
    if (is_refusal(*item.failure) && job.server && board_.ease(*job.server)) return true;
    return item.failure->retryable() && tries++ < settings_.retries_max;
}

bool FleetWork::may_repeat(const Error& error) const {
    const bool nothing_written = error.effect() == Effect::none || error.effect() == Effect::rolled_back;
    return settings_.verb || !settings_.write || nothing_written;
}

// Before anything is changed: the ledger says so first.
void FleetWork::announce(FleetItem& item, const Board::Job& job) const {
    item.record.state = ItemState::running;
    if (!settings_.ledger || board_.announce(job.place)) return;
    item.left = true;
    throw Error(Code::cancelled, "the run ended before the ledger had it").with_tenant(item.record.tenant);
}

void FleetWork::run_verb(FleetItem& item, const Board::Job& job, const Wait& wait) const {
    control::ItemRecord& record = item.record;
    const bool migrates = settings_.is(Verb::migrate) || settings_.is(Verb::undo);
    const bool tells_before = migrates && record.before.empty();
    migrate::Progress progress;
    progress.known = std::exchange(item.known, std::nullopt);
    bool announced = false;
    const auto before_write = [&] {
        // Before the history was read there is nothing to say: callbacks, which run every time.
        if (migrates && !progress.before) return;
        std::string before = record.before;
        if (tells_before) before = progress.before->empty() ? std::string(control::before_empty) : *progress.before;
        // Twice, where another's migrations came between the look and the lock.
        if (announced && before == record.before) return;
        record.before = std::move(before);
        if (tells_before) record.goal = progress.goal;
        announce(item, job);
        announced = true;
    };
    struct Report {
        control::ItemRecord& record;
        migrate::Progress& progress;
        ~Report() { record.applied += progress.done; }
    } report{record, progress};
    // Undone is what the run did, back to where it found the tenant.
    const std::string target = settings_.undoes_run() ? record.before
                               : record.goal.empty()  ? settings_.target
                                                      : record.goal;
    const migrate::Status status =
        migrator_->run_on(*settings_.verb, record.tenant, {target, settings_.token, before_write}, wait, progress);
    record.version = status.current.value_or("");
    record.standing = migrate::standing_name(status.standing);
    if (!settings_.undoes_run()) return;
    record.before.clear();
    record.goal.clear();
    record.applied = -progress.done;  // and the report makes it 0
}

void FleetWork::run_sql(FleetItem& item, const Board::Job& job, const Wait& wait) const {
    const Ref<Cancel> none;
    LeaseOptions lease;
    lease.read_only = !settings_.write;
    const Db::Asked asked{MTDB_DEFAULT, none};
    if (settings_.write) announce(item, job);
    const Ref<Conn> conn = db_.acquire(item.record.tenant, std::move(lease), asked);
    struct GiveBack {  // after a failure too: an abandoned lease is out until maintenance finds it
        Conn& conn;
        ~GiveBack() {
            try {
                conn.close();
            } catch (const std::exception&) {  // the failure that is on its way is what counts
            }
        }
    } const give_back{*conn};
    if (rows_ != nullptr) {
        const Ref<Result> result = conn->query(settings_.sql, nullptr, wait, none);
        stream_rows(item, *result, wait);
        item.record.applied = 1;
    } else {
        int64_t statements = 0;
        conn->exec_script(settings_.sql, statements, wait);
        item.record.applied = statements;
    }
    conn->close();
}

void FleetWork::stream_rows(FleetItem& item, Result& result, const Wait& wait) const {
    std::vector<TableRows::Heading> headings;
    for (int32_t i = 0; i < result.column_count(); ++i) {
        const Result::ColumnFacts column = result.column(i);
        headings.push_back({column.name, column.declared, column.type});
    }
    if (headings.empty()) return;
    rows_->require_columns(headings);
    std::vector<char> bytes(block_size);
    for (;;) {
        int64_t rows = 0;
        int64_t used = 0;
        const int32_t status = result.fetch(bytes.data(), static_cast<int64_t>(bytes.size()), 0, rows, used);
        if (status == MTDB_TRUNCATED) {
            bytes.resize(static_cast<std::size_t>(used));
            continue;
        }
        if (rows > 0) {
            item.streamed = true;
            RowStream::Block block{item.record.tenant, {bytes.data(), bytes.data() + used}};
            if (!rows_->push(std::move(block), wait)) {
                item.left = true;
                throw Error(Code::cancelled, "nobody reads the run's rows any more");
            }
        }
        if (status == MTDB_DONE) return;
    }
}

}  // namespace mtdb::engine
