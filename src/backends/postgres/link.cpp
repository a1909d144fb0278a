// SPDX-License-Identifier: MIT
#include "backends/postgres/link.hpp"

#include <arpa/inet.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>

#include <optional>
#include <utility>

#include "backends/postgres/errors.hpp"
#include "base/error.hpp"

namespace mtdb::backends::postgres {
namespace {

// The host's signals are the host's threads'.
std::thread start_quietly(auto&& work) {
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    struct Restore {
        sigset_t* mask;
        ~Restore() { pthread_sigmask(SIG_SETMASK, mask, nullptr); }
    } restore{&before};
    return std::thread(std::forward<decltype(work)>(work));
}

// What a thread that looks a name up shares with whoever waits for it.
struct LookUp {
    std::mutex mutex;
    std::condition_variable done_changed;
    bool done = false;
    std::vector<std::string> addresses;

    void run(const std::string& name) noexcept {
        addrinfo hints{};
        hints.ai_socktype = SOCK_STREAM;
        addrinfo* found = nullptr;
        const bool known = getaddrinfo(name.c_str(), nullptr, &hints, &found) == 0;
        const std::lock_guard lock(mutex);
        try {
            for (const addrinfo* each = known ? found : nullptr; each != nullptr; each = each->ai_next) {
                char text[NI_MAXHOST];
                if (getnameinfo(each->ai_addr, each->ai_addrlen, text, sizeof text, nullptr, 0, NI_NUMERICHOST) == 0)
                    addresses.emplace_back(text);
            }
        } catch (const std::bad_alloc&) {
            // Those that were found will do.
        }
        if (known) freeaddrinfo(found);
        done = true;
        done_changed.notify_all();
    }
};

}  // namespace

Strays::~Strays() {
    for (std::thread& thread : threads_) thread.join();
}

void Strays::add(std::thread thread) {
    const std::lock_guard lock(mutex_);
    threads_.push_back(std::move(thread));
}

CancelRequest::CancelRequest(PGconn* connection, std::shared_ptr<Strays> strays)
    : state_(std::make_shared<State>()), strays_(std::move(strays)) {
    const auto free_cancel = [](PGcancel* cancel) { libpq().PQfreeCancel(cancel); };
    std::shared_ptr<PGcancel> cancel(libpq().PQgetCancel(connection), free_cancel);
    if (cancel == nullptr) {
        state_->done = true;
        return;
    }
    thread_ = start_quietly([state = state_, cancel = std::move(cancel)] {
        char message[256];
        libpq().PQcancel(cancel.get(), message, sizeof message);
        const std::lock_guard lock(state->mutex);
        state->done = true;
        state->done_changed.notify_all();
    });
}

CancelRequest::~CancelRequest() {
    if (!thread_.joinable()) return;
    if (finished())
        thread_.join();
    else
        strays_->add(std::move(thread_));
}

bool CancelRequest::finished() const {
    const std::lock_guard lock(state_->mutex);
    return state_->done;
}

bool CancelRequest::settle(Deadline deadline) {
    std::unique_lock lock(state_->mutex);
    return state_->done_changed.wait_until(lock, deadline.time(), [&] { return state_->done; });
}

std::vector<std::string> addresses_of(const Attempt& attempt, const std::shared_ptr<Strays>& strays,
                                      const Wait& wait) {
    const auto host = attempt.keywords.find("host");
    if (host == attempt.keywords.end() || host->second.empty() || attempt.keywords.contains("hostaddr")) return {};
    unsigned char numeric[16];
    const std::string& name = host->second;
    if (name.front() == '/' || name.front() == '@' || inet_pton(AF_INET, name.c_str(), numeric) == 1 ||
        inet_pton(AF_INET6, name.c_str(), numeric) == 1)
        return {};
    const auto look_up = std::make_shared<LookUp>();
    std::thread thread = start_quietly([look_up, name] { look_up->run(name); });
    std::unique_lock lock(look_up->mutex);
    while (!look_up->done && !wait.over()) {
        const Wait slice{wait.deadline.earlier(Deadline::in(base::milliseconds(20))), wait.cancel, nullptr};
        slice.sleep(lock, look_up->done_changed);
    }
    const bool done = look_up->done;
    lock.unlock();
    if (done)
        thread.join();
    else
        strays->add(std::move(thread));
    if (!done)
        throw Error(Code::unavailable, "cannot connect to " + attempt.where + ": its name was not found out in time");
    if (look_up->addresses.empty())
        throw Error(Code::unavailable, "cannot connect to " + attempt.where + ": the host's name is not known");
    return look_up->addresses;
}

std::unique_ptr<Link> Link::connect(const ConnectPlan& plan, const std::shared_ptr<Strays>& strays, const Wait& wait,
                                    PQnoticeReceiver receiver, void* receiver_self) {
    std::optional<Error> failure;
    for (const Attempt& attempt : plan.attempts) {
        const auto limited = [&] {
            Wait one = wait;
            if (plan.timeout.count() > 0) one.deadline = wait.deadline.earlier(Deadline::in(plan.timeout));
            return one;
        };
        try {
            wait.check("the connection");
            std::vector<std::string> addresses = addresses_of(attempt, strays, limited());
            if (addresses.empty()) addresses.emplace_back();
            for (std::size_t i = 0;; ++i) {
                Attempt one = attempt;
                if (!addresses[i].empty()) one.keywords["hostaddr"] = addresses[i];
                try {
                    return connect_to(one, limited(), receiver, receiver_self);
                } catch (const Error&) {
                    wait.check("the connection");
                    if (i + 1 == addresses.size()) throw;
                }
            }
        } catch (const Error& error) {
            wait.check("the connection");
            // Another host would refuse the password as well.
            if (error.code() == Code::auth || error.code() == Code::not_found) throw;
            failure = error;
        }
    }
    throw *failure;
}

std::unique_ptr<Link> Link::connect_to(const Attempt& attempt, const Wait& wait, PQnoticeReceiver receiver,
                                       void* receiver_self) {
    const Libpq& pq = libpq();
    std::vector<const char*> keys;
    std::vector<const char*> values;
    for (const auto& [key, value] : attempt.keywords) {
        keys.push_back(key.c_str());
        values.push_back(value.c_str());
    }
    keys.push_back(nullptr);
    values.push_back(nullptr);
    PGconn* const connection = pq.PQconnectStartParams(keys.data(), values.data(), 0);
    if (connection == nullptr) throw Error(Code::nomem, "out of memory");
    std::unique_ptr<Link> link(new Link(connection));
    pq.PQsetErrorVerbosity(connection, PQERRORS_VERBOSE);  // with the SQLSTATE
    pq.PQsetNoticeReceiver(connection, receiver, receiver_self);
    link->dial(wait, attempt);
    pq.PQsetErrorVerbosity(connection, PQERRORS_DEFAULT);
    if (pq.PQsetnonblocking(connection, 1) != 0 || pq.PQenterPipelineMode(connection) != 1)
        throw Error(Code::unavailable, "cannot connect to " + attempt.where);
    return link;
}

void Link::dial(const Wait& wait, const Attempt& attempt) {
    const auto fail = [&] { return connect_error(pq_.PQerrorMessage(connection_), attempt.where); };
    if (pq_.PQstatus(connection_) == CONNECTION_BAD) throw fail();
    PostgresPollingStatusType status = PGRES_POLLING_WRITING;
    while (status != PGRES_POLLING_OK) {
        if (status == PGRES_POLLING_FAILED) throw fail();
        const short events = status == PGRES_POLLING_READING ? POLLIN : POLLOUT;
        if (!waker_.poll(pq_.PQsocket(connection_), events, wait))
            throw Error(Code::unavailable,
                        "cannot connect to " + attempt.where + ": the server did not answer in time");
        status = pq_.PQconnectPoll(connection_);
    }
}

Link::~Link() { pq_.PQfinish(connection_); }

Link::Ready Link::flush_some() {
    const int left = pq_.PQflush(connection_);
    if (left < 0) return Ready::lost;
    return left == 0 ? Ready::yes : Ready::over;
}

Link::Ready Link::flush_or_read(const Wait& wait) {
    if (!waker_.poll(pq_.PQsocket(connection_), POLLIN | POLLOUT, wait)) return Ready::over;
    return pq_.PQconsumeInput(connection_) == 0 ? Ready::lost : Ready::yes;
}

Link::Ready Link::await_input(const Wait& wait) {
    if (!waker_.poll(pq_.PQsocket(connection_), POLLIN, wait)) return Ready::over;
    return pq_.PQconsumeInput(connection_) == 0 ? Ready::lost : Ready::yes;
}

Link::Ready Link::flush(const Wait& wait) {
    for (;;) {
        const Ready sent = flush_some();
        if (sent != Ready::over) return sent;
        if (const Ready ready = flush_or_read(wait); ready != Ready::yes) return ready;
    }
}

Link::Ready Link::await_result(const Wait& wait) {
    while (pq_.PQisBusy(connection_) != 0) {
        if (!waker_.poll(pq_.PQsocket(connection_), POLLIN, wait)) return Ready::over;
        // What came before the end is still to be read: the end itself shows as a result.
        if (pq_.PQconsumeInput(connection_) == 0 && pq_.PQisBusy(connection_) != 0) return Ready::lost;
    }
    return Ready::yes;
}

bool Link::closed_by_server() {
    pollfd watched{pq_.PQsocket(connection_), POLLIN, 0};
    // A notice, a parameter or a notification may come at any time; the end comes behind its reason.
    for (int looks = 0; looks < 3; ++looks) {
        if (watched.fd < 0 || pq_.PQstatus(connection_) == CONNECTION_BAD) return true;
        if (::poll(&watched, 1, 0) <= 0) return false;
        if (pq_.PQconsumeInput(connection_) == 0) return true;
        pq_.PQisBusy(connection_);  // takes in what has come
    }
    return false;
}

}  // namespace mtdb::backends::postgres
