// SPDX-License-Identifier: MIT
#include "pool/parts.hpp"

namespace mtdb::pool {

uint64_t Lease::mark() const noexcept { return pool_->mark.load(std::memory_order_acquire); }
void Lease::set_mark(uint64_t mark) noexcept { pool_->mark.store(mark, std::memory_order_release); }

uint64_t Lease::scope() const noexcept { return pool_->scope.load(std::memory_order_acquire); }
void Lease::bump_schema() noexcept {
    if (pool_->endpoint == nullptr) return;
    auto state = pools_->state_.lock();
    pools_->new_scope(*pool_);
}
void Lease::prove() noexcept {
    slot_->answered = true;
    if (!pool_->proved.load(std::memory_order_relaxed))
        pool_->proved.store(true, std::memory_order_release);
}

bool Lease::proved() const noexcept {
    return pool_->endpoint == nullptr || pool_->proved.load(std::memory_order_acquire);
}

bool Lease::confirm() noexcept {
    if (!std::exchange(slot_->unconfirmed, false) || connection().in_place()) return true;
    give_back();
    return false;
}

void Lease::set_pass(uint64_t pass) noexcept {
    auto state = pools_->state_.lock();
    slot_->pass = pass;
}

uint64_t Lease::pass() const noexcept {
    const auto state = pools_->state_.lock();
    return slot_->pass;
}

void Lease::take_turn(const Wait& wait) {
    if (turn_) return;
    pools_->take_turn(*pool_, wait);
    turn_ = true;
}

void Lease::give_turn() noexcept {
    if (std::exchange(turn_, false)) pools_->give_turn(*pool_);
}

void Lease::close() noexcept {
    if (slot_ == nullptr) return;
    slot_->passing = slot_->returns == 0;
    const bool closes = slot_->passing;
    give_back();
    if (closes) pools_->close_one();
}

bool Lease::return_slot() noexcept {
    bool rolled_back = false;
    db::Reuse reuse = db::Reuse::discard;
    if (slot_->connection != nullptr && !used_) {
        reuse = db::Reuse::clean;
    } else if (slot_->connection != nullptr) {
        rolled_back = slot_->connection->in_transaction();
        reuse = slot_->connection->end_lease();
        slot_->connection
            ->mark_lease();  // the next one: here it costs nobody who only takes and returns
        pools_->sample(*slot_, reuse);
    }
    pools_->put_back(std::move(slot_), std::exchange(turn_, false), reuse);
    return rolled_back;
}

void Lease::abandon(std::string origin) noexcept {
    if (slot_ == nullptr) return;
    auto state = pools_->state_.lock();
    if (slot_->connection == nullptr ||
        state->stopped) {  // shutdown took it, or there is no maintenance any more
        state.held().unlock();
        give_back();
        return;
    }
    ++pool_->quiet;
    slot_->in_maintenance = true;
    slot_->holder = nullptr;
    state->abandoned.push_back({std::move(slot_), std::exchange(turn_, false), std::move(origin)});
    pools_->wake_maintenance(*state, pool_);
    pools_->returned_.notify_all();
}

Fence::~Fence() {
    if (pools_ == nullptr) return;
    auto state = pools_->state_.lock();
    pool_->fenced = false;
    pools_->serve_all(*state, *pool_);
    pools_->returned_.notify_all();
    pools_->forget(*state, *pool_);
}

}  // namespace mtdb::pool
