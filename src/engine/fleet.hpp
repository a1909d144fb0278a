// SPDX-License-Identifier: MIT
// A fleet run in a program's hands: one operation over many tenants, in waves, with a ledger. The caller's thread
// decides and writes the ledger; workers do what was decided.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/guarded.hpp"
#include "control/ledger.hpp"
#include "control/rollout.hpp"
#include "engine/control_store.hpp"
#include "engine/counted.hpp"
#include "engine/fleet_ahead.hpp"
#include "engine/fleet_board.hpp"
#include "engine/fleet_settings.hpp"
#include "engine/fleet_work.hpp"
#include "engine/migrator.hpp"

namespace mtdb::engine {

class Db;
class RowStream;

class Fleet final : public Counted {
public:
    // `migrator` may be null for verb "sql".
    static Ref<Fleet> open(const Ref<Db>& db, Ref<Migrator> migrator, const Options& options);

    Db& db() const noexcept { return *db_; }
    // The list, which is final once the run has begun. None: all tenants there are.
    void add(std::string_view tenant);
    // Tenants that are a wave, behind the canary and the waves before it.
    void add_wave(std::string_view tenants);
    // Scripts of the shared tables, which run once before the tenants.
    void share(Ref<Migrator> migrator);
    enum class Turn { ended, verdict, routes };
    // Until the run has ended, or the host must say whether it goes on, or where tenants are. Throws what halted it.
    Turn run(const Wait& wait, RowStream* rows = nullptr);
    // The run in a thread of its own, while the caller reads the rows of its queries.
    Ref<Result> query(const Wait& wait, Ref<Cancel> cancel);
    void run_for_rows(RowStream& rows, const Wait& wait) noexcept;
    void decide(bool go_on);
    void stop() noexcept;  // what is being done is done to its end
    int64_t failed() const;
    // fleet_report.cpp
    Ref<Result> results();
    Ref<Result> progress();

private:
    enum class Phase { fresh, running, verdict, halted, stopped, done };
    struct Shared {  // between the caller, its workers and those who look
        std::vector<FleetItem> items;
        Phase phase = Phase::fresh;
        bool inside = false;
        std::vector<int64_t> waves;  // their numbers, ascending
        std::size_t wave = 0;        // the place of the present one in `waves`
        int64_t listed = 0;          // waves that were given as lists
        std::set<std::string, std::less<>> listed_ids;
        control::Tally tally;
        std::size_t failed_in_row = 0;  // since the last success
        std::size_t failed_before = 0;  // and not tried again: no part of this turn's budget
        std::string reason;
        base::Time started{};
        base::Time ended{};
        std::size_t ended_here = 0;  // tenants that this run of it brought to an end
    };

    Fleet(Ref<Db> db, Ref<Migrator> migrator, const Options& options);

    void add_to(Shared& shared, std::string_view tenant, int64_t wave) const;
    void prepare(const Wait& wait);
    std::string fingerprint() const;
    void open_ledger(const Wait& wait);
    void take_up(const control::RunRecord& run, const Wait& wait);
    std::vector<control::ItemRecord> items_taken_up(const Wait& wait);
    void begin_new(const Wait& wait);
    void assign_waves(std::vector<FleetItem>& items) const;
    control::RunRecord record(Phase phase) const;
    void read_seen(const Wait& wait);

    Turn go_on(const Wait& wait);
    void run_shared(const Wait& wait);
    enum class WaveEnd { over, needs_routes };
    WaveEnd run_wave(int64_t wave, const Wait& wait);
    void work_on(const std::vector<std::size_t>& all, const Wait& wait);
    struct Routed {  // of the tenants that are due
        std::vector<std::size_t> known;
        bool asked = false;  // there are open requests
        bool taken = false;  // there are requests that the host has taken
    };
    Routed ask_routes(const std::vector<std::size_t>& due);
    [[noreturn]] void halt(const std::string& reason);
    std::vector<std::size_t> due_in(int64_t wave);
    std::vector<std::size_t> skip_unchanged(std::vector<std::size_t> due);
    std::vector<std::size_t> look_ahead(std::vector<std::size_t> due, const Wait& wait);
    std::vector<std::size_t> glance_at(const std::vector<std::size_t>& due, const Wait& wait);
    bool settles_at_a_glance(FleetItem& item, const Wait& wait) const noexcept;
    bool settled_by_history(FleetItem& item, const migrate::HistoryView& view) const;

    void start_workers(std::vector<std::jthread>& workers, std::size_t count, const Wait& wait);
    void dispatch(const std::vector<std::size_t>& due, const Wait& wait);
    Board::Job job_of(std::size_t place);
    void save(const std::vector<std::size_t>& places);
    static void write_down(const std::function<void()>& write);
    void count_end(Shared& shared, const FleetItem& item) const;
    void collect(const std::vector<std::size_t>& finished);
    std::optional<std::string> why_halt();
    bool stops() const noexcept { return stopping_.load(std::memory_order_acquire); }
    bool drains(const Wait& wait);
    void work(const Wait& wait) noexcept;
    bool is_held(const Wait& wait);
    bool pauses(const Wait& wait) noexcept;
    void end(Phase phase, const std::string& reason);
    void save_seen();
    void tell_wave();

    const Ref<Db> db_;
    const Ref<Migrator> migrator_;
    Ref<Migrator> shared_scripts_;
    const FleetSettings settings_;
    std::shared_ptr<const migrate::Runner> runner_;
    std::string plan_;  // the hash of what it does
    std::string run_;
    bool shared_done_ = false;

    std::unique_ptr<ControlStore> store_;
    std::unique_ptr<control::Ledger> ledger_;  // ends before its store
    std::optional<HistoriesAhead> ahead_;
    std::map<std::string, control::Seen, std::less<>> seen_;
    std::map<std::string, std::size_t> servers_;  // of jobs

    mutable Guarded<Shared> shared_;
    Board board_;
    RowStream* rows_ = nullptr;
    std::atomic<bool> stopping_{false};
    std::mutex holding_;
    std::optional<Error> held_;  // set under holding_ while workers run, then held_now_
    std::atomic<bool> held_now_{false};
};

}  // namespace mtdb::engine
