// SPDX-License-Identifier: MIT
// A fleet run in a program's hands: one operation over many tenants, in waves, with a ledger. The caller's thread
// decides and writes the ledger; workers do what was decided.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/guarded.hpp"
#include "control/ledger.hpp"
#include "control/rollout.hpp"
#include "engine/control_store.hpp"
#include "engine/counted.hpp"
#include "engine/migrator.hpp"
#include "engine/options.hpp"
#include "migrate/histories.hpp"

namespace mtdb::engine {

class Db;

class Fleet final : public Counted {
public:
    // `migrator` may be null for verb "sql".
    static Ref<Fleet> open(const Ref<Db>& db, Ref<Migrator> migrator, const Options& options);

    Db& db() const noexcept { return *db_; }
    // One more tenant of the list; not once the run has begun. None: all tenants there are.
    void add(std::string_view tenant);
    enum class Turn { ended, verdict };
    // Until the run has ended, or the host must say whether it goes on. Throws what halted it.
    Turn run(const Wait& wait);
    void decide(bool go_on);
    void stop() noexcept;  // what is being done is done to its end
    int64_t failed() const;
    Ref<Result> results();
    Ref<Result> progress();

private:
    enum class Verb { migrate, undo, info, validate, sql };
    enum class Phase { fresh, running, verdict, halted, stopped, done };
    struct Item {
        control::ItemRecord record;
        std::optional<Error> failure;
        std::size_t wave = 0;
    };
    struct Shared {  // between the caller, its workers and those who look
        std::vector<Item> items;
        Phase phase = Phase::fresh;
        bool inside = false;
        std::vector<std::size_t> ends;  // of the waves
        std::size_t wave = 0;
        control::Tally tally;
        std::size_t failed_before = 0;  // and not tried again: no part of this turn's budget
        std::string reason;
        base::Time started{};
        base::Time ended{};
        std::size_t ended_here = 0;  // tenants that this run of it brought to an end
    };
    struct Board {  // what workers take and what they bring back
        std::deque<std::size_t> ready;
        std::vector<std::size_t> finished;
        std::size_t running = 0;
        bool closed = false;
    };
    struct Server {  // one connection that reads the histories of many
        std::unique_ptr<db::Connection> connection;
        std::unique_ptr<migrate::Histories> histories;
    };

    Fleet(Ref<Db> db, Ref<Migrator> migrator, const Options& options);
    static Verb verb_of(std::string_view name);

    void prepare(const Wait& wait);
    void take_up(const control::RunRecord& run, const Wait& wait);
    void begin_new(const Wait& wait);
    control::RunRecord record(Phase phase) const;
    void read_seen(const Wait& wait);

    Turn go_on(const Wait& wait);
    void run_wave(std::size_t wave, const Wait& wait);
    std::vector<std::size_t> due_in(std::size_t wave);
    std::vector<std::size_t> skip_unchanged(std::vector<std::size_t> due);
    std::vector<std::size_t> look_ahead(std::vector<std::size_t> due, const Wait& wait);
    std::vector<std::size_t> glance_at(const std::vector<std::size_t>& due, const Wait& wait);
    bool settles_at_a_glance(Item& item, const Wait& wait) const noexcept;
    bool settled_by_history(Item& item, const migrate::HistoryView& view) const;
    void start_workers(std::vector<std::jthread>& workers, std::size_t count, const Wait& wait);
    void dispatch(std::vector<std::size_t> due, const Wait& wait);
    void publish(const std::vector<std::size_t>& batch, const Wait& wait);
    void collect(const std::vector<std::size_t>& finished, const Wait& wait);
    void save(const std::vector<std::size_t>& places);
    void count_end(Shared& shared, const Item& item);
    std::optional<std::string> why_halt();
    void work(const Wait& wait) noexcept;
    bool is_held(const Wait& wait);
    bool pauses(const Wait& wait) noexcept;
    void run_item(Item& item, const Wait& wait);
    void run_once(Item& item, const Wait& wait);
    void run_sql(Item& item, const Wait& wait);
    void end(Phase phase, const std::string& reason, const Wait& wait);
    void tell_wave(std::size_t wave);

    const Ref<Db> db_;
    const Ref<Migrator> migrator_;
    const Options options_;
    const Verb verb_;
    const std::string target_;
    const control::Resume resume_;
    const bool resumes_;
    const control::Budget budget_;
    const std::string token_;  // of the flag's owner
    std::shared_ptr<const migrate::Runner> runner_;
    std::string plan_;  // the hash of what it does

    std::unique_ptr<ControlStore> store_;
    std::unique_ptr<control::Ledger> ledger_;  // ends before its store
    std::string run_;
    std::map<std::string, Server> servers_;
    std::map<std::string, control::Seen, std::less<>> seen_;

    mutable Guarded<Shared> shared_;
    Guarded<Board> board_;
    std::condition_variable changed_;  // of the board
    std::atomic<bool> stopping_{false};
    std::mutex holding_;
    std::optional<Error> held_;  // set under holding_ while workers run, then held_now_
    std::atomic<bool> held_now_{false};
};

}  // namespace mtdb::engine
