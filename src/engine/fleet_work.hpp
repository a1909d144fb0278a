// SPDX-License-Identifier: MIT
// What a fleet run does to one tenant, on a worker's thread.
#pragma once

#include <atomic>
#include <optional>

#include "base/error.hpp"
#include "control/ledger.hpp"
#include "engine/fleet_board.hpp"
#include "engine/fleet_settings.hpp"

namespace mtdb::engine {

class Db;
class RowStream;

struct FleetItem {
    control::ItemRecord record;
    std::optional<Error> failure;
    bool due = true;        // false: a run that was taken up leaves it as it is
    bool left = false;      // the run ended before the tenant did: it is still due
    bool streamed = false;  // rows of it were handed out: it cannot be tried again
    std::optional<migrate::Known> known{};  // its history, read ahead
};

// Any number of threads, each with an item of its own.
class FleetWork {
public:
    // `rows` gets what the queries of verb sql return; null: it is dropped. `stopping`: nothing is tried again.
    FleetWork(Db& db, Migrator* migrator, const FleetSettings& settings, Board& board, RowStream* rows,
              const std::atomic<bool>& stopping)
        : db_(db), migrator_(migrator), settings_(settings), board_(board), rows_(rows), stopping_(stopping) {}

    // Does it, with the retries that the settings allow; what goes wrong is in the item.
    void run(FleetItem& item, const Board::Job& job, const Wait& wait) const;

private:
    void attempt(FleetItem& item, const Board::Job& job, const Wait& wait) const;
    bool tries_again(const FleetItem& item, const Board::Job& job, int64_t& tries, const Wait& wait) const;
    bool may_repeat(const Error& error) const;
    void announce(FleetItem& item, const Board::Job& job) const;
    void run_verb(FleetItem& item, const Board::Job& job, const Wait& wait) const;
    void run_sql(FleetItem& item, const Board::Job& job, const Wait& wait) const;
    void stream_rows(FleetItem& item, Result& result, const Wait& wait) const;

    Db& db_;
    Migrator* const migrator_;
    const FleetSettings& settings_;
    Board& board_;
    RowStream* const rows_;
    const std::atomic<bool>& stopping_;
};

}  // namespace mtdb::engine
