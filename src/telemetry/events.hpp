// SPDX-License-Identifier: MIT
// What happens, kept in a bounded queue until the host polls it. No thread of the library ever
// calls into the host.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/guarded.hpp"
#include "base/wait.hpp"

namespace mtdb::telemetry {

enum class Class { log, metric, audit, progress };
enum class Level { debug, info, warn, error };
std::string_view name_of(Class kind) noexcept;
std::string_view name_of(Level level) noexcept;
// Throws Error(invalid_argument) for a name that is none.
Level parse_level(std::string_view name);

struct Event {
    Class kind = Class::log;
    Level level = Level::info;
    std::string name;     // "pool.evicted": docs/events.md lists them
    std::string tenant;   // empty: none
    std::string message;  // one line
    std::string fields;   // a JSON object, or empty
    int64_t seq = 0;      // from 1, without a gap but for lost events; given by emit()
    int64_t at_us = 0;    // microseconds since 1970-01-01 UTC; given by emit()
};

// What to do when the queue is full of audit events, which are never pushed out.
enum class AuditLoss { count, fail };

// Any thread. emit() takes one short lock, does no I/O and never waits for a poller.
class Events {
public:
    struct Taken {
        std::vector<Event> events;  // in order of seq
        int64_t dropped = 0;        // lost since the last take
    };

    // A place kept for one audit event, so that it cannot be lost; given back when it is not
    // used. Must not outlive the queue.
    class AuditPlace {
    public:
        AuditPlace() = default;
        AuditPlace(AuditPlace&& other) noexcept : events_(std::exchange(other.events_, nullptr)) {}
        AuditPlace& operator=(AuditPlace&& other) noexcept {
            std::swap(events_, other.events_);
            return *this;
        }
        AuditPlace(const AuditPlace&) = delete;
        AuditPlace& operator=(const AuditPlace&) = delete;
        ~AuditPlace();

    private:
        friend class Events;
        explicit AuditPlace(Events* events) : events_(events) {}
        Events* events_ = nullptr;
    };

    Events(int64_t size_max, Level level, AuditLoss loss)
        : size_max_(size_max), level_(level), loss_(loss) {}

    // True when an event of this level would be kept: ask before building a costly one. Audit
    // events always are.
    bool wanted(Level level) const noexcept {
        return level >= level_.load(std::memory_order_relaxed);
    }
    void set_level(Level level) noexcept { level_.store(level, std::memory_order_relaxed); }

    // Keeps an event, pushing out the oldest one that is no audit when the queue is full.
    // Swallows running out of memory: then the event counts as lost.
    void emit(Event event) noexcept;
    // Before an operation that must be audited. With AuditLoss::fail it throws Error(limit)
    // when the queue has no place left.
    AuditPlace reserve_audit();
    void emit(Event event, AuditPlace place) noexcept;

    // The oldest events, at most `max`; waits for the first. None at the deadline. Throws
    // Error(cancelled), and Error(closed) once the queue is closed and empty. No event is taken
    // twice.
    Taken take(std::size_t max, const Wait& wait);
    // Gives back the end of what was taken, oldest first, and the count of lost events if it
    // was not told.
    void put_back(std::vector<Event> events, int64_t dropped = 0);

    int64_t dropped_total() const noexcept {
        return dropped_total_.load(std::memory_order_relaxed);
    }
    int64_t size();
    void close();

private:
    struct Queue {
        std::deque<Event> audits;  // each in order of seq
        std::deque<Event> others;
        int64_t reserved = 0;  // places kept for audits to come
        int64_t seq = 0;
        int64_t dropped = 0;  // since the last take
        bool closed = false;
    };
    void add(Queue& queue, Event event, bool reserved);
    void lose(Queue& queue) noexcept;
    int64_t used(const Queue& queue) const noexcept;

    const int64_t size_max_;
    std::atomic<Level> level_;
    const AuditLoss loss_;
    std::atomic<int64_t> dropped_total_{0};
    Guarded<Queue> queue_;
    std::condition_variable filled_;  // with the lock of queue_
};

}  // namespace mtdb::telemetry
