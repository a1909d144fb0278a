// SPDX-License-Identifier: MIT
// The rows of a fleet run's queries on their way from many workers to one reader. So many blocks are on their way at
// most: workers wait for the reader, and the memory is the same for any number of tenants and rows.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/error.hpp"
#include "base/guarded.hpp"
#include "db/block.hpp"
#include "engine/counted.hpp"
#include "engine/table_rows.hpp"

namespace mtdb::engine {

class Cancel;
class Fleet;

class RowStream {
public:
    struct Block {
        std::string tenant;
        std::vector<char> bytes;  // a row block without the tenant
    };
    explicit RowStream(std::size_t blocks_max) : blocks_max_(blocks_max) {}

    // Workers. The first tenant's columns are everyone's; throws Error(invalid_state) for a tenant that has others.
    void require_columns(const std::vector<TableRows::Heading>& headings);
    // Waits for room. False: nobody reads any more.
    bool push(Block&& block, const Wait& wait);
    // The run has come to its end, or to what it throws.
    void end(std::optional<Error> failure) noexcept;

    // The reader. Nothing: there are no more, and failure() says how the run ended.
    std::optional<Block> pop(const Wait& wait);
    std::optional<Error> failure();
    // Waits until they are known; empty: the run ended without any.
    std::vector<TableRows::Heading> headings(const Wait& wait);
    void close() noexcept;

private:
    struct State {
        std::deque<Block> blocks;
        std::optional<std::vector<TableRows::Heading>> headings;
        std::optional<Error> failure;
        bool ended = false, closed = false;
    };
    template <class Ready>
    void rest(std::unique_lock<std::mutex>& held, const Wait& wait, Ready&& ready);

    const std::size_t blocks_max_;
    Guarded<State> state_;
    std::condition_variable changed_;
};

// What the reader holds. The run goes on in a thread of its own while it reads.
class FleetRows final : public db::Rows {
public:
    // Begins the run.
    FleetRows(const Ref<Fleet>& fleet, std::shared_ptr<RowStream> stream, const Wait& wait, Ref<Cancel> cancel);
    FleetRows(const FleetRows&) = delete;
    ~FleetRows() override;  // a run that is not over stops by itself: nothing is waited for

    void settle_columns(const Wait& wait) override;
    int32_t column_count() const override { return static_cast<int32_t>(headings_.size()); }
    db::Column column(int32_t index) const override;
    bool next(const Wait& wait) override;
    db::Value value(int32_t index) const override;
    db::Fill fill(db::BlockWriter& writer, const Wait& wait) override;
    void close() override;  // stops the run, and waits until what has begun is done

private:
    const Ref<Fleet> fleet_;
    const std::shared_ptr<RowStream> stream_;
    std::thread thread_;
    std::vector<TableRows::Heading> headings_;
    RowStream::Block block_;
    std::optional<db::BlockView> view_;
    int32_t row_ = 0;  // of the block: the present one
    bool filling_ = false;
    mutable std::vector<std::string> texts_;  // of the present row, by column
};

}  // namespace mtdb::engine
