// SPDX-License-Identifier: MIT
#include "telemetry/events.hpp"

#include <algorithm>
#include <chrono>

#include "base/error.hpp"
#include "base/text.hpp"

namespace mtdb::telemetry {
namespace {

constexpr Level every_level[] = {Level::debug, Level::info, Level::warn, Level::error};

int64_t wall_clock_us() noexcept {
    using namespace std::chrono;
    return duration_cast<microseconds>(system_clock::now().time_since_epoch()).count();
}

}  // namespace

std::string_view name_of(Class kind) noexcept {
    switch (kind) {
        case Class::log:
            return "log";
        case Class::metric:
            return "metric";
        case Class::audit:
            return "audit";
        case Class::progress:
            return "progress";
    }
    return "";
}

std::string_view name_of(Level level) noexcept {
    switch (level) {
        case Level::debug:
            return "debug";
        case Level::info:
            return "info";
        case Level::warn:
            return "warn";
        case Level::error:
            return "error";
    }
    return "";
}

Level parse_level(std::string_view name) {
    for (const Level level : every_level) {
        if (name_of(level) == name) return level;
    }
    throw Error(Code::invalid_argument, "no level is named '" + base::excerpt(name) + "'");
}

Events::AuditPlace::~AuditPlace() {
    if (events_ == nullptr) return;
    --events_->queue_.lock()->reserved;
}

int64_t Events::used(const Queue& queue) const noexcept {
    return static_cast<int64_t>(queue.audits.size() + queue.others.size()) + queue.reserved;
}

void Events::lose(Queue& queue) noexcept {
    ++queue.dropped;
    dropped_total_.fetch_add(1, std::memory_order_relaxed);
}

void Events::add(Queue& queue, Event event, bool reserved) {
    event.seq = ++queue.seq;
    event.at_us = wall_clock_us();
    if (reserved) --queue.reserved;
    if (queue.closed) return lose(queue);
    while (used(queue) >= size_max_ && !queue.others.empty()) {
        queue.others.pop_front();
        lose(queue);
    }
    // Full of audit events: those that are there stay, the newcomer is lost.
    if (used(queue) >= size_max_) return lose(queue);
    (event.kind == Class::audit ? queue.audits : queue.others).push_back(std::move(event));
    filled_.notify_one();
}

void Events::emit(Event event) noexcept {
    if (event.kind != Class::audit && !wanted(event.level)) return;
    auto queue = queue_.lock();
    try {
        add(*queue, std::move(event), false);
    } catch (const std::bad_alloc&) {
        lose(*queue);
    }
}

Events::AuditPlace Events::reserve_audit() {
    auto queue = queue_.lock();
    while (used(*queue) >= size_max_ && !queue->others.empty()) {
        queue->others.pop_front();
        lose(*queue);
    }
    if (used(*queue) >= size_max_) {
        if (loss_ == AuditLoss::count) return {};
        throw Error(Code::limit, "the event queue is full of " + std::to_string(size_max_) +
                                     " audit events: poll it")
            .with_limit("events.queue");
    }
    ++queue->reserved;
    return AuditPlace(this);
}

void Events::emit(Event event, AuditPlace place) noexcept {
    if (place.events_ == nullptr) return emit(std::move(event));
    auto queue = queue_.lock();
    place.events_ = nullptr;
    try {
        add(*queue, std::move(event), true);
    } catch (const std::bad_alloc&) {
        lose(*queue);
    }
}

Events::Taken Events::take(std::size_t max, const Wait& wait) {
    auto queue = queue_.lock();
    while (queue->audits.empty() && queue->others.empty()) {
        if (queue->closed)
            throw Error(Code::closed, "the db is closed and its events are all taken");
        if (wait.cancelled()) throw wait.error("an event");
        if (wait.deadline.passed()) break;
        wait.sleep(queue.held(), filled_);
    }
    Taken taken;
    taken.events.reserve(std::min(max, queue->audits.size() + queue->others.size()));
    while (taken.events.size() < max && !(queue->audits.empty() && queue->others.empty())) {
        const bool audit =
            queue->others.empty() ||
            (!queue->audits.empty() && queue->audits.front().seq < queue->others.front().seq);
        auto& from = audit ? queue->audits : queue->others;
        taken.events.push_back(std::move(from.front()));
        from.pop_front();
    }
    taken.dropped = std::exchange(queue->dropped, 0);
    if (!queue->audits.empty() || !queue->others.empty()) filled_.notify_one();
    return taken;
}

void Events::put_back(std::vector<Event> events, int64_t dropped) {
    auto queue = queue_.lock();
    queue->dropped += dropped;
    // May exceed the limit by what one poll took; the next emit makes room.
    for (auto event = events.rbegin(); event != events.rend(); ++event) {
        auto& to = event->kind == Class::audit ? queue->audits : queue->others;
        const auto place =
            std::lower_bound(to.begin(), to.end(), event->seq,
                             [](const Event& other, int64_t seq) { return other.seq < seq; });
        to.insert(place, std::move(*event));
    }
    if (!queue->audits.empty() || !queue->others.empty()) filled_.notify_one();
}

int64_t Events::size() {
    auto queue = queue_.lock();
    return static_cast<int64_t>(queue->audits.size() + queue->others.size());
}

void Events::close() {
    queue_.lock()->closed = true;
    filled_.notify_all();
}

}  // namespace mtdb::telemetry
