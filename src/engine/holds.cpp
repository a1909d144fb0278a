// SPDX-License-Identifier: MIT
#include "engine/holds.hpp"

#include <algorithm>
#include <chrono>
#include <new>
#include <utility>

#include "base/checksum.hpp"
#include "engine/db.hpp"

namespace mtdb::engine {
namespace {

using base::milliseconds;
using base::Time;
using control::Flag;

// How soon a held process that waits for its last leases looks again.
constexpr milliseconds look_pause(20);
// What the coarse clock may lag behind, and the clocks of two machines may differ in their pace: of an announcement's
// lifetime at least so much is not used.
constexpr milliseconds margin_min(20);
constexpr int64_t margin_share = 8;
constexpr milliseconds round_min(250), round_max(2000);
constexpr int rounds_max = 4;

bool applies(const Flag& flag, std::string_view tenant) {
    const std::string_view own = control::tenant_of(flag.scope);
    return own.empty() || own == tenant;
}

uint64_t pass_for(std::string_view token) noexcept {
    return token.empty() ? 0 : std::max<uint64_t>(1, base::hash64(token));
}

// When a flag is over, by this process's clock. Late rather than early: `read_at` is after the store's `now`.
Time end_of(const Flag& flag, control::Micros now, Time read_at) {
    if (flag.expires_at == control::no_end) return Time::max();
    constexpr control::Micros far = int64_t{86'400'000'000} * 3650;  // what a row written by hand may be beyond
    return read_at + std::chrono::microseconds(std::clamp<control::Micros>(flag.expires_at - now, 0, far));
}

}  // namespace

// ---- asking -------------------------------------------------------------------------------------

bool Holds::owns(const State& state, const Flag& flag, const Asker& asker) {
    if (!asker.verb || flag.token.empty()) return false;
    if (flag.token == asker.token) return true;
    return std::any_of(state.tokens.begin(), state.tokens.end(),
                       [&](const auto& each) { return each.second == flag.token; });
}

Holds::Answer Holds::judge(const State& state, std::string_view tenant, const Asker& asker, Time now,
                           const Flag** flag) const {
    if (!asker.keeper && state.tenants.contains(tenant)) return Answer::held;
    if (!state.watching) return Answer::free;
    for (std::size_t i = 0; i < state.flags.size(); ++i) {
        const Flag& each = state.flags[i];
        if (!applies(each, tenant) || owns(state, each, asker)) continue;
        if (now >= state.flags_until || changing(state) || i >= state.active) return Answer::stale;
        *flag = &each;
        return Answer::quiesced;
    }
    if (changing(state) && !state.failing) return Answer::stale;
    if (now < state.known_until) return Answer::free;
    const bool lenient = asker.verb ? rules_.migrations_open : rules_.leases_open;
    return lenient && now < state.lenient_until ? Answer::free : Answer::stale;
}

bool Holds::lets_asker(std::string_view tenant, const Asker& asker) {
    auto state = state_.lock();
    const Flag* flag = nullptr;
    return judge(*state, tenant, asker, base::Clock::now(), &flag) == Answer::free;
}

uint64_t Holds::pass_of(const State& state, std::string_view tenant, const Asker& asker) const {
    if (!state.watching) return 0;
    for (const Flag& flag : state.flags)
        if (applies(flag, tenant) && owns(state, flag, asker)) return pass_for(flag.token);
    return 0;
}

Error Holds::refusal(const State& state, Answer answer, std::string_view tenant, const Flag* flag) const {
    // A fleet run asks for the deployment as a whole.
    const std::string name = tenant.empty() ? "the deployment" : "tenant '" + std::string(tenant) + "'";
    if (answer == Answer::held)
        return Error(Code::tenant_held, name + " is held by the application").with_tenant(tenant);
    if (answer == Answer::quiesced)
        return Error(Code::tenant_held, name + " is held: " + control::describe(*flag)).with_tenant(tenant);
    const char* const why = state.failing ? "cannot be read" : "have to be read again";
    return Error(Code::unavailable, std::string("the quiesce flags ") + why + ": no lease of " + name)
        .with_tenant(tenant);
}

uint64_t Holds::admit(std::string_view tenant, const Wait& wait, const Asker& asker) {
    if (!asker.verb && open()) return 0;
    auto state = state_.lock();
    bool waited = false;
    for (;;) {
        if (state->refusing) throw Error(Code::closed, "the db is closed");
        const Time now = base::Clock::now();
        const Flag* flag = nullptr;
        const Answer answer = judge(*state, tenant, asker, now, &flag);
        if (answer == Answer::free) return pass_of(*state, tenant, asker);
        // A verb waits for nobody: a fleet's worker would do so for as long as its run may take.
        const bool patient = answer == Answer::stale  ? !state->failing || now >= state->tried_at + rules_.refresh
                             : asker.verb             ? false
                             : answer == Answer::held ? state->tenants.find(tenant)->second == HoldMode::wait
                                                      : rules_.leases_wait;
        if (!patient || wait.deadline.passed()) {
            ++state->refused;
            throw refusal(*state, answer, tenant, flag);
        }
        if (wait.over()) throw wait.error("the hold of the tenant to end").with_tenant(tenant);
        if (!std::exchange(waited, true)) ++state->waited;
        if (answer == Answer::stale && !state->rounding) {
            round(state, wait);
            continue;
        }
        Wait nap = wait;
        if (answer == Answer::quiesced) nap.deadline = nap.deadline.earlier(Deadline::at(state->flags_until));
        nap.sleep(state.held(), changed_);
    }
}

// ---- the application's holds --------------------------------------------------------------------

// Within the lock. What is not in it need not be looked at by the warm path.
void Holds::publish(State& state) noexcept {
    int64_t until = always;
    if (!state.tenants.empty() || !state.flags.empty() || (state.watching && changing(state))) {
        until = 0;
    } else if (state.watching) {
        const Time lenient = rules_.leases_open ? state.lenient_until : Time{};
        until = std::max(state.known_until, lenient).time_since_epoch().count();
    }
    open_until_.store(until, std::memory_order_release);
    changed_.notify_all();
}

void Holds::hold(const std::string& tenant, HoldMode mode) {
    auto state = state_.lock();
    if (!state->tenants.emplace(tenant, mode).second)
        throw Error(Code::exists, "tenant '" + tenant + "' is held already").with_tenant(tenant);
    publish(*state);
}

void Holds::resume(const std::string& tenant) {
    auto state = state_.lock();
    if (state->tenants.erase(tenant) == 0)
        throw Error(Code::not_found, "tenant '" + tenant + "' is not held").with_tenant(tenant);
    publish(*state);
}

bool Holds::holds(std::string_view tenant) { return state_.lock()->tenants.contains(tenant); }

Holds::Figures Holds::figures() {
    auto state = state_.lock();
    return {static_cast<int64_t>(state->tenants.size()), static_cast<int64_t>(state->flags.size()),
            state->parked ? 1 : 0, state->refused, state->waited};
}

// ---- quiesce ------------------------------------------------------------------------------------

void Holds::watch(std::shared_ptr<control::Store> store, control::Announcement self, const QuiesceRules& rules,
                  const Wait& wait) {
    auto state = state_.lock();
    if (state->watching || state->rounding) throw Error(Code::invalid_state, "the db obeys quiesce flags already");
    store_ = std::move(store);
    parking_.emplace(std::move(self));
    rules_ = rules;
    state->watching = true;  // at once: nothing is granted before the first round
    publish(*state);
    round(state, wait);
    if (!state->failing) return;
    state->watching = false;
    publish(*state);
    throw Error(Code::unavailable, "the quiesce flags cannot be read");
}

bool Holds::watching() { return state_.lock()->watching; }

void Holds::own(const std::string& scope, std::string token) {
    auto state = state_.lock();
    std::erase_if(state->tokens, [&](const auto& each) { return each.first == scope; });
    state->tokens.emplace_back(scope, std::move(token));
}

void Holds::disown(const std::string& scope) {
    auto state = state_.lock();
    std::erase_if(state->tokens, [&](const auto& each) { return each.first == scope; });
}

Wait Holds::own_wait() const noexcept {
    return Wait{Deadline::in(std::clamp(milliseconds(rules_.announce / 4), round_min, round_max)), nullptr, &stopping_};
}

// Enters and leaves with the lock. `wait` is of the caller who needs it: its end says nothing about the store.
void Holds::round(Access& state, const Wait& wait) {
    const std::vector<Flag> before = state->flags;
    state->rounding = true;
    state->chasing = std::exchange(state->poked, false);
    bool failed = true;
    bool own = false;
    state.unlocked([&] {
        Wait bounded = own_wait();
        bounded.cancel = wait.cancel;
        bounded.deadline = bounded.deadline.earlier(wait.deadline);
        try {
            run_round(bounded);
            failed = false;
        } catch (...) {
            own = wait.over();
        }
    });
    const bool news = failed && !own && !state->failing;
    state->rounding = state->chasing = false;
    state->tried_at = state->looked_at = base::Clock::now();
    if (!own) state->failing = failed;
    const bool over = state->flags.empty() || state->tried_at >= state->flags_until;
    if (failed && !own && over && (rules_.leases_open || rules_.migrations_open)) {
        state->flags.clear();
        state->active = 0;
        state->lenient_until = state->tried_at + rules_.refresh + 2 * round_max;  // the next round is over by then
    }
    publish(*state);
    const std::vector<Flag> after = state->flags;
    state.unlocked([&] {
        note_change(before, after);
        if (news)
            db_.note(telemetry::Level::warn, "quiesce.unreachable", {},
                     {"the quiesce flags cannot be read: ",
                      rules_.leases_open ? "leases are granted once the last ones read are over"
                                         : "no lease is granted once what was read is too old"});
    });
}

// Without the lock, by one thread at a time. What parking.hpp asks for: write, then read, then act.
void Holds::run_round(const Wait& wait) {
    const milliseconds margin = std::max(margin_min, milliseconds(rules_.announce / margin_share));
    for (int turn = 0; turn < rounds_max; ++turn) {
        const Time begin = base::Clock::now();
        store_->announce(parking_->announcement(), rules_.announce.count(), wait);
        parking_->written();
        const control::Snapshot snapshot = store_->read({}, wait);
        const Time read_at = base::Clock::now();
        const bool settled = parking_->note(snapshot);
        {
            auto state = state_.lock();
            state->flags = parking_->held();
            state->active = parking_->active();
            state->flags_until = Time::max();
            for (const Flag& flag : state->flags)
                state->flags_until = std::min(state->flags_until, end_of(flag, snapshot.now, read_at));
            state->known_until = begin + rules_.announce - margin;
            state->lenient_until = Time{};
            state->chasing = false;
            publish(*state);
        }
        announce_news(wait);
        if (settled) return;
    }
}

// After publish(): from here on the leases against a flag only come back.
void Holds::announce_news(const Wait& wait) {
    parking_->look([this](const Flag& flag) { return leases_out(flag); });
    if (parking_->has_news()) {
        store_->announce(parking_->announcement(), rules_.announce.count(), wait);
        parking_->written();
    }
    const bool parked = !parking_->held().empty() && parking_->parked();
    bool news = false;
    {
        auto state = state_.lock();
        news = parked && !state->parked;
        state->parked = parked;
    }
    if (news) db_.note(telemetry::Level::info, "quiesce.parked", {}, {"no lease is out"});
}

int64_t Holds::leases_out(const Flag& flag) {
    return pools_.leased(control::tenant_of(flag.scope), pass_for(flag.token));
}

void Holds::note_change(const std::vector<Flag>& before, const std::vector<Flag>& after) noexcept {
    const auto has = [](const std::vector<Flag>& list, const Flag& flag) {
        return std::any_of(list.begin(), list.end(), [&](const Flag& each) {
            return each.scope == flag.scope && each.set_at == flag.set_at;
        });
    };
    try {
        for (const Flag& flag : after)
            if (!has(before, flag))
                db_.note(telemetry::Level::info, "quiesce.obeyed", control::tenant_of(flag.scope),
                         {control::describe(flag)});
        for (const Flag& flag : before)
            if (!has(after, flag))
                db_.note(telemetry::Level::info, "quiesce.released", control::tenant_of(flag.scope),
                         {"scope '", flag.scope, "' is open again"});
    } catch (const std::bad_alloc&) {
        // An event is not worth failing what it tells of.
    }
}

void Holds::poke() noexcept {
    {
        auto state = state_.lock();
        state->poked = true;
        publish(*state);
    }
    pools_.wake_work();
}

// ---- the chore ----------------------------------------------------------------------------------

Time Holds::due() noexcept {
    auto state = state_.lock();
    if (!state->watching || state->refusing) return Time::max();
    if (state->rounding) return base::Clock::now() + look_pause;
    if (state->poked) return Time{};
    Time next = state->tried_at + rules_.refresh;
    if (!state->flags.empty() && !state->failing) {
        next = std::min(next, state->flags_until);
        if (!state->parked) next = std::min(next, state->looked_at + look_pause);
    }
    return next;
}

void Holds::work() noexcept {
    try {
        auto state = state_.lock();
        if (!state->watching || state->rounding || state->refusing) return;
        const Time now = base::Clock::now();
        const bool whole = state->poked || now >= state->tried_at + rules_.refresh || now >= state->flags_until;
        if (whole)
            round(state, Wait{Deadline::never(), nullptr, &stopping_});
        else
            look(state);
    } catch (...) {
        // Without memory for it: the next one is due soon.
    }
}

// Between two rounds: have the last leases come back?
void Holds::look(Access& state) {
    state->rounding = true;
    state.unlocked([&] {
        try {
            announce_news(own_wait());
        } catch (...) {
            // The next round says whether the store can be reached.
        }
    });
    state->rounding = false;
    state->looked_at = base::Clock::now();
    changed_.notify_all();
}

void Holds::catch_up() noexcept {
    if (due() <= base::Clock::now()) work();
}

// ---- the end ------------------------------------------------------------------------------------

void Holds::refuse() noexcept {
    auto state = state_.lock();
    state->refusing = true;
    open_until_.store(0, std::memory_order_release);
    changed_.notify_all();
}

void Holds::stop() noexcept { stopping_.store(true, std::memory_order_release); }

void Holds::withdraw() noexcept {
    constexpr milliseconds patience(1000);
    if (!watching() || pools_.leased({}) > 0) return;  // else it expires by itself
    try {
        store_->withdraw(parking_->announcement().process, Wait{Deadline::in(patience)});
    } catch (...) {
        // It expires by itself.
    }
}

}  // namespace mtdb::engine
