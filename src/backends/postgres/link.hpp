// SPDX-License-Identifier: MIT
// One connection's socket: it never blocks but in a poll that the caller's wait ends.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "backends/postgres/conninfo.hpp"
#include "backends/postgres/libpq.hpp"
#include "base/poll.hpp"
#include "base/wait.hpp"

namespace mtdb::backends::postgres {

// Threads whose call hangs in a network: they own all they touch, and are joined at the end.
class Strays {
public:
    Strays() = default;
    Strays(const Strays&) = delete;
    Strays& operator=(const Strays&) = delete;
    ~Strays();
    void add(std::thread thread);

private:
    std::mutex mutex_;
    std::vector<std::thread> threads_;
};

// One request that the server end what a connection runs, on a thread of its own: libpq's call blocks.
class CancelRequest {
public:
    CancelRequest(PGconn* connection, std::shared_ptr<Strays> strays);
    CancelRequest(const CancelRequest&) = delete;
    CancelRequest& operator=(const CancelRequest&) = delete;
    ~CancelRequest();

    bool finished() const;
    // The request has reached the server, or failed: it can hit nothing that comes later.
    bool settle(Deadline deadline);

private:
    struct State {
        std::mutex mutex;
        std::condition_variable done_changed;
        bool done = false;
    };
    std::shared_ptr<State> state_;
    std::shared_ptr<Strays> strays_;
    std::thread thread_;
};

// A host's addresses, as text; the host itself where there is nothing to look up. On a thread of its own: the look-up
// blocks. Throws Error(unavailable) for a name that is not known, and what the wait says.
std::vector<std::string> addresses_of(const Attempt& attempt, const std::shared_ptr<Strays>& strays,
                                      const Wait& wait);

class Link {
public:
    // Tries each host within its own time and the caller's. Throws AUTH, UNAVAILABLE, NOT_FOUND (no such
    // database), TIMEOUT, CANCELLED and what else the server says.
    static std::unique_ptr<Link> connect(const ConnectPlan& plan, const std::shared_ptr<Strays>& strays,
                                         const Wait& wait, PQnoticeReceiver receiver, void* receiver_self);
    Link(const Link&) = delete;
    Link& operator=(const Link&) = delete;
    ~Link();

    PGconn* get() const noexcept { return connection_; }
    bool lost() const noexcept { return lost_ || pq_.PQstatus(connection_) == CONNECTION_BAD; }
    void lose() noexcept { lost_ = true; }

    enum class Ready { yes, over, lost };
    // Everything queued is on its way. Takes in what the server says meanwhile, so that neither side waits for
    // the other.
    Ready flush(const Wait& wait);
    // Until the socket takes more or has something to say, which is taken in.
    Ready flush_or_read(const Wait& wait);
    // Until the server has said something, which is taken in.
    Ready await_input(const Wait& wait);
    // Sends what the socket takes now.
    Ready flush_some();
    // Until a result can be had without blocking.
    Ready await_result(const Wait& wait);
    // What nobody asked for has come, such as the end: an idle connection says nothing.
    bool closed_by_server();

private:
    explicit Link(PGconn* connection) : connection_(connection) {}
    static std::unique_ptr<Link> connect_to(const Attempt& attempt, const Wait& wait, PQnoticeReceiver receiver,
                                            void* receiver_self);
    void dial(const Wait& wait, const Attempt& attempt);

    const Libpq& pq_ = libpq();
    PGconn* connection_;
    Waker waker_;
    bool lost_ = false;
};

// In the middle of a COPY there is no way back: the link is lost unless the end was reached.
class MidCopy {
public:
    explicit MidCopy(Link& link) noexcept : link_(&link) {}
    MidCopy(const MidCopy&) = delete;
    ~MidCopy() {
        if (link_ != nullptr) link_->lose();
    }
    void ended() noexcept { link_ = nullptr; }

private:
    Link* link_;
};

}  // namespace mtdb::backends::postgres
