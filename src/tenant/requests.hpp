// SPDX-License-Identifier: MIT
// What the library needs from the host: open requests for routes, and their answers for as long as
// they are believed.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/guarded.hpp"
#include "base/wait.hpp"
#include "db/backend.hpp"
#include "tenant/id.hpp"

namespace mtdb::tenant {

constexpr std::size_t requests_max = 100000;

// One request per tenant, shared by all who need it: open -> taken -> answered or refused -> (after
// its time) open again. Any thread; no call into the host, ever.
class Requests {
public:
    enum class State { answered, refused, needs, taken };
    struct Answer {
        State state = State::needs;
        db::Place place;     // answered
        std::string reason;  // refused
    };
    struct Request {
        int64_t id = 0;
        std::string tenant;
    };
    // The tenant that has a place open now, or none; asked without any lock held.
    using Holder = std::function<std::optional<std::string>(const db::Place&)>;

    // `ttl`: how long answers and refusals are believed (each serves at least one find).
    // `request`: how long a taken request may stay unanswered before it is open again.
    Requests(base::milliseconds ttl, base::milliseconds request,
             std::size_t size_max = requests_max)
        : ttl_(ttl), request_(request), size_max_(size_max) {}

    // What is known of a tenant now; opens a request when nothing is. Throws Error(limit) when
    // too many are open.
    Answer find(const Id& id, base::Time now = base::Clock::now());
    // As find(), but waits while the request is taken: never returns `taken`. Throws
    // Error(timeout), (cancelled), (closed).
    Answer locate(const Id& id, const Wait& wait);

    // For who will need a tenant's route later. None of them is the use that an answer serves.
    // As find(); the place is not told.
    State ask(const Id& id, base::Time now = base::Clock::now());
    // What is known, without asking for it: `needs` also when there is no request.
    Answer glance(const Id& id, base::Time now = base::Clock::now()) const;

    // What is known of all of them at one moment: either every one was answered or refused, or no answer was used.
    struct Answers {
        State state = State::answered;  // or needs, taken: and the list is empty
        std::vector<Answer> list;       // in the order of the ids
    };
    Answers find_all(std::span<const Id> ids, base::Time now = base::Clock::now());

    // Another number whenever a taken request was answered, refused or opened again.
    uint64_t settled();
    // Until it is another one than `seen`, or the wait is over. Throws Error(closed).
    void await_settled(uint64_t seen, const Wait& wait);

    // The oldest open request, which is then taken; none at the deadline. Throws
    // Error(cancelled), (closed).
    std::optional<Request> take(const Wait& wait);
    // A taken request is open again, first in line: its taker could not use it.
    void put_back(int64_t id);

    // Throws Error(not_found) for a request that is not there, and Error(invalid_argument) when
    // the place is another tenant's; the request then stays. A late answer to a request that
    // was opened again is as good.
    void answer(int64_t id, const db::Place& place, const Holder& holder = {});
    void refuse(int64_t id, std::string_view reason);
    // Throws Error(not_found). For the answer's check before it is given.
    std::string tenant_of(int64_t id);

    // What was answered for a tenant is believed no longer: it was dropped, or its place has gone.
    void forget(const Id& id);
    // Wakes every waiter with Error(closed). Final.
    void close();

private:
    enum class Stage { open, taken, answered, refused };
    struct Entry {
        Stage stage = Stage::open;
        bool served = false;  // an answer that was used at least once
        int64_t id = 0;       // of the request; 0 once answered
        base::Time since{};   // taken or answered
        db::Place place;
        std::string reason;
    };
    struct Known {
        std::unordered_map<std::string, Entry> entries;       // by tenant
        std::unordered_map<int64_t, std::string> tenants;     // by request
        std::unordered_map<std::string, std::string> owners;  // tenant by server and path, of answered entries
        std::deque<int64_t> open;  // requests, oldest first; may name some that are open no longer
        std::deque<std::pair<base::Time, std::string>>
            taken;  // in order of time; may be out of date
        std::deque<std::pair<base::Time, std::string>> answered;  // likewise
        int64_t last_id = 0;
        uint64_t settled = 0;
        bool closed = false;
    };

    Entry& look(Known& known, const std::string& tenant, base::Time now);
    static Answer told(const Entry& entry);
    static Answer use(Entry& entry);
    void note_settled(Known& known) noexcept;
    void sleep_until_due(Guarded<Known>::Access& known, const Wait& wait, std::condition_variable& wake) const;
    bool believed(const Entry& entry, base::Time now) const;
    Entry& request_of(Known& known, int64_t id);
    void settle(Known& known, Entry& entry, Stage stage);
    void open(Known& known, const std::string& tenant, Entry& entry);
    void reopen_due(Known& known, base::Time now);
    void drop_oldest(Known& known);
    void drop_expired(Known& known, base::Time now);
    void make_room(Known& known, base::Time now);
    static bool current(const Known& known, const std::pair<base::Time, std::string>& answered);
    static void erase(Known& known, const std::string& tenant);
    static void disown(Known& known, const std::string& tenant, const Entry& entry);
    static void check_open(const Known& known);

    const base::milliseconds ttl_;
    const base::milliseconds request_;
    const std::size_t size_max_;
    mutable Guarded<Known> known_;
    std::condition_variable opened_;  // with the lock of known_: a request is open
    std::condition_variable
        settled_;  // with the lock of known_: a taken request is taken no longer
};

}  // namespace mtdb::tenant
