// SPDX-License-Identifier: MIT
// What a fleet run has done, one durable row per tenant: written before a tenant is touched and after. The truth
// about a tenant is its own history; a ledger that is lost can be made again from those.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "control/rollout.hpp"
#include "db/backend.hpp"

namespace mtdb::control {

struct RunRecord {
    std::string run;  // its name
    std::string verb;
    std::string target;
    std::string plan;    // the hash of what it runs
    std::string state;   // running, halted, stopped, done
    std::string reason;  // why it halted
    int64_t tenants = 0;
    int64_t wave = 0;                        // the one that is next
    int64_t turn = 1;                        // how often it was begun and taken up
    int64_t started_us = 0, changed_us = 0;  // since 1970, UTC
};

struct ItemRecord {
    int64_t number = 0;  // its place in the list, from 0
    std::string tenant;
    int64_t wave = 0;  // canary_wave, or from 1
    ItemState state = ItemState::pending;
    int64_t attempts = 0;
    int64_t applied = 0;
    // The version that the tenant stood at before the run first changed it, or before_empty. Empty: the run has changed
    // nothing, or what it changed is undone.
    std::string before;
    // Of a verb whose target counts steps from where the tenant stands: where they lead, once the run has begun it.
    std::string goal;
    std::string version;  // and stands at now
    std::string standing;
    int64_t status = 0;
    std::string message;
    std::string error;  // JSON
    int64_t duration_ms = 0;
};

// What a successful run saw of a tenant: enough to skip it while nothing of it has changed.
struct Seen {
    std::string tenant;
    std::string plan;
    std::string identity;
    std::string version;
    std::string standing;
};

// One thread at a time. The tables are made when they are not there. A run is one process's at a time: whoever takes it
// up ends the turn of who had it, and what that one saves from then on throws Error(invalid_state) and changes nothing.
class Ledger {
public:
    Ledger(std::unique_ptr<db::Connection> connection, const db::Dialect& dialect, const Wait& wait);
    Ledger(const Ledger&) = delete;
    ~Ledger();

    std::optional<RunRecord> find(std::string_view run, const Wait& wait);
    std::vector<RunRecord> runs(const Wait& wait);
    // The run and all of its tenants, in one transaction. Throws Error(exists) for a name that is taken.
    void begin(const RunRecord& run, std::span<const ItemRecord> items, const Wait& wait);
    // From here on the run is this caller's. False: there is none.
    bool take(std::string_view run, const Wait& wait);
    std::vector<ItemRecord> items(std::string_view run, const Wait& wait);
    // Durable when it returns.
    void save(std::string_view run, std::span<const ItemRecord> items, const Wait& wait);
    void save(const RunRecord& run, const Wait& wait);

    std::vector<Seen> seen(std::string_view plan, const Wait& wait);
    void save_seen(std::span<const Seen> seen, const Wait& wait);

private:
    struct Texts;
    class Transaction;
    void create(const Wait& wait);
    void run_rows(const std::string& sql, db::BlockBuilder& rows, const Wait& wait);
    int64_t turn_of(std::string_view run, const Wait& wait);
    void require_turn(std::string_view run, const Wait& wait);
    void require_file();

    const std::unique_ptr<db::Connection> connection_;
    const std::unique_ptr<const Texts> texts_;
    int64_t turn_ = 0;  // of the run that is this caller's
};

}  // namespace mtdb::control
