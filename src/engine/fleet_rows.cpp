// SPDX-License-Identifier: MIT
#include "engine/fleet_rows.hpp"

#include <algorithm>
#include <system_error>
#include <utility>

#include "engine/fleet.hpp"

namespace mtdb::engine {

void RowStream::require_columns(const std::vector<TableRows::Heading>& headings) {
    auto state = state_.lock();
    if (!state->headings) {
        state->headings = headings;
        changed_.notify_all();
        return;
    }
    const bool same = std::ranges::equal(*state->headings, headings, {}, &TableRows::Heading::name,
                                         &TableRows::Heading::name);
    if (!same)
        throw Error(Code::invalid_state, "its rows have other columns than those of the tenants before it");
}

bool RowStream::push(Block&& block, const Wait& wait) {
    auto state = state_.lock();
    while (!state->closed && state->blocks.size() >= blocks_max_) {
        if (wait.over()) throw wait.error("the reader of the run's rows");
        wait.sleep(state.held(), changed_);
    }
    if (state->closed) return false;
    state->blocks.push_back(std::move(block));
    changed_.notify_all();
    return true;
}

void RowStream::end(std::optional<Error> failure) noexcept {
    auto state = state_.lock();
    state->failure = std::move(failure);
    state->ended = true;
    changed_.notify_all();
}

// A wait that is over ends the run too, which then says so: its end is waited for.
template <class Ready>
void RowStream::rest(std::unique_lock<std::mutex>& held, const Wait& wait, Ready&& ready) {
    while (!ready()) {
        if (wait.over())
            changed_.wait_for(held, base::milliseconds(50));
        else
            wait.sleep(held, changed_);
    }
}

std::optional<RowStream::Block> RowStream::pop(const Wait& wait) {
    auto state = state_.lock();
    rest(state.held(), wait, [&] { return !state->blocks.empty() || state->ended; });
    if (state->blocks.empty()) return std::nullopt;
    Block block = std::move(state->blocks.front());
    state->blocks.pop_front();
    changed_.notify_all();
    return block;
}

std::optional<Error> RowStream::failure() { return state_.lock()->failure; }

std::vector<TableRows::Heading> RowStream::headings(const Wait& wait) {
    auto state = state_.lock();
    rest(state.held(), wait, [&] { return state->headings || state->ended; });
    return state->headings.value_or(std::vector<TableRows::Heading>());
}

void RowStream::close() noexcept {
    auto state = state_.lock();
    state->closed = true;
    state->blocks.clear();
    changed_.notify_all();
}

// ---- the reader ---------------------------------------------------------------------------------

FleetRows::FleetRows(const Ref<Fleet>& fleet, std::shared_ptr<RowStream> stream, const Wait& wait,
                     Ref<Cancel> cancel)
    : fleet_(fleet), stream_(std::move(stream)) {
    headings_.push_back({"tenant", "TEXT", db::Type::text});
    try {
        thread_ = std::thread([own = fleet_, rows = stream_, wait, held = std::move(cancel)] {
            own->run_for_rows(*rows, wait);
        });
    } catch (const std::system_error&) {
        throw Error(Code::nomem, "no thread to be had for the fleet run");
    }
}

FleetRows::~FleetRows() {
    if (!thread_.joinable()) return;
    stream_->close();
    fleet_->stop();
    thread_.detach();
}

void FleetRows::close() {
    if (!thread_.joinable()) return;
    stream_->close();
    fleet_->stop();
    thread_.join();
}

void FleetRows::settle_columns(const Wait& wait) {
    if (headings_.size() > 1) return;
    for (TableRows::Heading& heading : stream_->headings(wait)) headings_.push_back(std::move(heading));
    texts_.resize(headings_.size());
}

db::Column FleetRows::column(int32_t index) const {
    const TableRows::Heading& heading = headings_.at(static_cast<std::size_t>(index));
    return {heading.name, heading.declared, heading.type, -1};
}

bool FleetRows::next(const Wait& wait) {
    if (view_ && ++row_ < view_->rows()) return true;
    view_.reset();
    auto block = stream_->pop(wait);
    if (block) {
        block_ = std::move(*block);
        view_ = db::BlockView::parse(block_.bytes.data(), static_cast<int64_t>(block_.bytes.size()));
        row_ = 0;
        return true;
    }
    if (thread_.joinable()) thread_.join();
    const auto failure = stream_->failure();
    if (failure && !filling_) throw Error(*failure);
    return false;
}

// Rows that came before the run's failure are the reader's; the next call fails.
db::Fill FleetRows::fill(db::BlockWriter& writer, const Wait& wait) {
    filling_ = true;
    struct Done {
        bool& filling;
        ~Done() { filling = false; }
    } done{filling_};
    const db::Fill filled = Rows::fill(writer, wait);
    const auto failure = filled == db::Fill::done ? stream_->failure() : std::nullopt;
    if (failure && writer.rows() == 0) throw Error(*failure);
    return failure ? db::Fill::more : filled;
}

db::Value FleetRows::value(int32_t index) const {
    if (!view_) return {};
    if (index == 0) return db::Value::text(block_.tenant);
    db::Value value = view_->at(row_, index - 1);
    if (db::carrier_of(value.type) != db::Carrier::bytes) return value;
    std::string& text = texts_[static_cast<std::size_t>(index)];  // with the NUL that a block does not have
    text = value.view();
    value.data = text.c_str();
    return value;
}

}  // namespace mtdb::engine
