// SPDX-License-Identifier: MIT
#include "tenant/requests.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/text.hpp"

namespace mtdb::tenant {
namespace {

std::string owner_key(const db::Place& place) { return place.server + '\0' + place.path; }

}  // namespace

using base::Clock;
using base::Time;

void Requests::check_open(const Known& known) {
    if (known.closed) throw Error(Code::closed, "the db is closed");
}

// Before its first use an answer also outlives a short ttl: else a slow caller would ask for ever.
bool Requests::believed(const Entry& entry, Time now) const {
    const base::milliseconds life = entry.served ? ttl_ : std::max(ttl_, request_);
    return now - entry.since < life;
}

void Requests::disown(Known& known, const std::string& tenant, const Entry& entry) {
    const auto owner = known.owners.find(owner_key(entry.place));
    if (entry.stage == Stage::answered && owner != known.owners.end() && owner->second == tenant)
        known.owners.erase(owner);
}

void Requests::erase(Known& known, const std::string& tenant) {
    const auto entry = known.entries.find(tenant);
    if (entry == known.entries.end()) return;
    disown(known, tenant, entry->second);
    known.tenants.erase(entry->second.id);
    known.entries.erase(entry);
}

void Requests::open(Known& known, const std::string& tenant, Entry& entry) {
    disown(known, tenant, entry);
    if (entry.id == 0) {
        entry.id = ++known.last_id;
        known.tenants.emplace(entry.id, tenant);
    }
    entry.stage = Stage::open;
    known.open.push_back(entry.id);
    opened_.notify_one();
}

void Requests::reopen_due(Known& known, Time now) {
    while (!known.taken.empty() && now - known.taken.front().first >= request_) {
        const auto [since, tenant] = std::move(known.taken.front());
        known.taken.pop_front();
        const auto entry = known.entries.find(tenant);
        if (entry == known.entries.end() || entry->second.stage != Stage::taken ||
            entry->second.since != since)
            continue;
        open(known, tenant, entry->second);
        note_settled(known);
    }
}

void Requests::note_settled(Known& known) noexcept {
    ++known.settled;
    settled_.notify_all();
}

// Whether the entry of the queue is still the tenant's last answer.
bool Requests::current(const Known& known, const std::pair<Time, std::string>& answered) {
    const auto entry = known.entries.find(answered.second);
    return entry != known.entries.end() && entry->second.since == answered.first &&
           (entry->second.stage == Stage::answered || entry->second.stage == Stage::refused);
}

void Requests::drop_oldest(Known& known) {
    const auto oldest = std::move(known.answered.front());
    known.answered.pop_front();
    if (current(known, oldest)) erase(known, oldest.second);
}

void Requests::drop_expired(Known& known, Time now) {
    while (!known.answered.empty()) {
        const auto& oldest = known.answered.front();
        if (current(known, oldest) && believed(known.entries.at(oldest.second), now)) return;
        drop_oldest(known);
    }
}

// Forgets the oldest answers when it must, believed or not: they can be asked for again.
void Requests::make_room(Known& known, Time now) {
    drop_expired(known, now);
    while (known.entries.size() >= size_max_ && !known.answered.empty()) drop_oldest(known);
    if (known.entries.size() >= size_max_) {
        throw Error(Code::limit,
                    "more than " + std::to_string(size_max_) + " requests for routes are open");
    }
}

// The tenant's entry as it is now; a request is opened when nothing is known.
Requests::Entry& Requests::look(Known& known, const std::string& tenant, Time now) {
    check_open(known);
    reopen_due(known, now);
    auto found = known.entries.find(tenant);
    if (found == known.entries.end()) {
        make_room(known, now);
        found = known.entries.try_emplace(tenant).first;
        open(known, tenant, found->second);
    }
    Entry& entry = found->second;
    const bool settled = entry.stage == Stage::answered || entry.stage == Stage::refused;
    if (settled && !believed(entry, now)) open(known, tenant, entry);
    return entry;
}

Requests::Answer Requests::told(const Entry& entry) {
    switch (entry.stage) {
        case Stage::open:
            return {State::needs, {}, {}};
        case Stage::taken:
            return {State::taken, {}, {}};
        case Stage::answered:
            return {State::answered, entry.place, {}};
        case Stage::refused:
            return {State::refused, {}, entry.reason};
    }
    return {};
}

Requests::Answer Requests::use(Entry& entry) {
    entry.served = entry.stage == Stage::answered || entry.stage == Stage::refused;
    return told(entry);
}

Requests::Answer Requests::find(const Id& id, Time now) {
    auto known = known_.lock();
    return use(look(*known, id.text(), now));
}

Requests::State Requests::ask(const Id& id, Time now) {
    auto known = known_.lock();
    return told(look(*known, id.text(), now)).state;
}

Requests::Answer Requests::glance(const Id& id, Time now) const {
    auto known = known_.lock();
    const auto found = known->entries.find(id.text());
    if (found == known->entries.end()) return {};
    const Entry& entry = found->second;
    const bool settled = entry.stage == Stage::answered || entry.stage == Stage::refused;
    return settled && !believed(entry, now) ? Answer{} : told(entry);
}

Requests::Answers Requests::find_all(std::span<const Id> ids, Time now) {
    auto known = known_.lock();
    Answers answers;
    for (const Id& id : ids) {
        const State state = told(look(*known, id.text(), now)).state;
        if (state == State::needs || (state == State::taken && answers.state == State::answered))
            answers.state = state;
    }
    if (answers.state != State::answered) return answers;
    answers.list.reserve(ids.size());
    for (const Id& id : ids) {  // an id may stand there twice: one use serves both
        const auto entry = known->entries.find(id.text());
        if (entry == known->entries.end()) return {State::needs, {}};  // dropped, to make room for another
        answers.list.push_back(use(entry->second));
    }
    return answers;
}

uint64_t Requests::settled() { return known_.lock()->settled; }

// Also awake when the oldest taken request is due to be open again, which nobody signals. Other entries may end
// before.
void Requests::sleep_until_due(Guarded<Known>::Access& known, const Wait& wait, std::condition_variable& wake) const {
    Time due = Time::max();
    if (!known->taken.empty()) due = known->taken.front().first + request_;
    Wait shorter = wait;
    shorter.deadline = wait.deadline.earlier(Deadline::at(due));
    shorter.sleep(known.held(), wake);
}

void Requests::await_settled(uint64_t seen, const Wait& wait) {
    auto known = known_.lock();
    for (;;) {
        check_open(*known);
        reopen_due(*known, Clock::now());
        if (known->settled != seen || wait.over()) return;
        sleep_until_due(known, wait, settled_);
    }
}

Requests::Answer Requests::locate(const Id& id, const Wait& wait) {
    auto known = known_.lock();
    while (true) {
        Answer answer = use(look(*known, id.text(), Clock::now()));
        if (answer.state != State::taken) return answer;
        if (wait.over()) throw wait.error("the route of the tenant").with_tenant(id.text());
        sleep_until_due(known, wait, settled_);
    }
}

std::optional<Requests::Request> Requests::take(const Wait& wait) {
    auto known = known_.lock();
    while (true) {
        check_open(*known);
        reopen_due(*known, Clock::now());
        while (!known->open.empty()) {
            const int64_t id = known->open.front();
            known->open.pop_front();
            const auto tenant = known->tenants.find(id);
            if (tenant == known->tenants.end()) continue;
            Entry& entry = known->entries.at(tenant->second);
            if (entry.stage != Stage::open) continue;
            Request request{id, tenant->second};
            entry.since = Clock::now();
            known->taken.emplace_back(entry.since, request.tenant);
            entry.stage = Stage::taken;
            return request;
        }
        if (wait.cancelled()) throw wait.error("a request");
        if (wait.deadline.passed()) return std::nullopt;
        sleep_until_due(known, wait, opened_);
    }
}

Requests::Entry& Requests::request_of(Known& known, int64_t id) {
    check_open(known);
    const auto tenant = known.tenants.find(id);
    if (tenant == known.tenants.end())
        throw Error(Code::not_found, "no request has the id " + std::to_string(id));
    return known.entries.at(tenant->second);
}

std::string Requests::tenant_of(int64_t id) {
    auto known = known_.lock();
    request_of(*known, id);
    return known->tenants.at(id);
}

void Requests::put_back(int64_t id) {
    auto known = known_.lock();
    Entry& entry = request_of(*known, id);
    if (entry.stage != Stage::taken) return;
    entry.stage = Stage::open;
    known->open.push_front(id);
    opened_.notify_one();
    note_settled(*known);
}

void Requests::settle(Known& known, Entry& entry, Stage stage) {
    const auto tenant = known.tenants.find(entry.id);
    entry.since = Clock::now();
    entry.served = false;
    drop_expired(known, entry.since);
    known.answered.emplace_back(entry.since, tenant->second);
    if (stage == Stage::answered) known.owners.insert_or_assign(owner_key(entry.place), tenant->second);
    known.tenants.erase(tenant);
    entry.id = 0;
    entry.stage = stage;
    note_settled(known);
}

void Requests::answer(int64_t id, const db::Place& place, const Holder& holder) {
    auto known = known_.lock();
    request_of(*known, id);
    const std::string tenant = known->tenants.at(id);
    std::optional<std::string> other;
    if (holder) other = known.unlocked([&] { return holder(place); });
    Entry& entry = request_of(*known, id);  // Another thread may have answered meanwhile.
    const auto owner = known->owners.find(owner_key(place));
    if (owner != known->owners.end() && owner->second != tenant) {
        const auto owned = known->entries.find(owner->second);
        if (owned != known->entries.end() && believed(owned->second, Clock::now()))
            other = owner->second;
    }
    if (other && *other != tenant) {
        throw Error(Code::invalid_argument, "the answer for tenant '" + tenant +
                                                "' is the place of tenant '" + *other + "'")
            .with_tenant(tenant);
    }
    entry.place = place;
    settle(*known, entry, Stage::answered);
}

void Requests::refuse(int64_t id, std::string_view reason) {
    auto known = known_.lock();
    Entry& entry = request_of(*known, id);
    entry.reason = base::excerpt(reason, 500);
    settle(*known, entry, Stage::refused);
}

void Requests::forget(const Id& id) {
    auto known = known_.lock();
    const auto entry = known->entries.find(id.text());
    if (entry == known->entries.end()) return;
    if (entry->second.stage == Stage::answered || entry->second.stage == Stage::refused)
        erase(*known, id.text());
}

void Requests::close() {
    auto known = known_.lock();
    known->closed = true;
    opened_.notify_all();
    settled_.notify_all();
}

}  // namespace mtdb::tenant
