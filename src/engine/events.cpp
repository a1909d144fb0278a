// SPDX-License-Identifier: MIT
// Events: from the queue into a block of the caller's.
#include "engine/db.hpp"

namespace mtdb::engine {
namespace {

void put(db::BlockWriter& writer, const telemetry::Event& event) {
    using db::Type;
    const auto text = [&](int32_t column, std::string_view value, Type type = Type::text) {
        writer.put_bytes(column, type, value.data(), static_cast<int64_t>(value.size()));
    };
    writer.begin_row();
    writer.put_slot(0, Type::int64, event.seq);
    writer.put_slot(1, Type::timestamptz, event.at_us);
    text(2, telemetry::name_of(event.kind));
    text(3, telemetry::name_of(event.level));
    text(4, event.name);
    if (event.tenant.empty())
        writer.put_null(5);
    else
        text(5, event.tenant);
    text(6, event.message);
    text(7, event.fields.empty() ? std::string_view("{}") : std::string_view(event.fields),
         Type::json);
}

}  // namespace

void Db::note(telemetry::Level level, std::string_view name, std::string_view tenant,
              std::initializer_list<std::string_view> message) noexcept {
    if (!events_.wanted(level)) return;
    try {
        telemetry::Event event;
        event.level = level;
        event.name = name;
        event.tenant = tenant;
        for (const std::string_view part : message) event.message += part;
        events_.emit(std::move(event));
    } catch (const std::bad_alloc&) {
        // An event is not worth failing the operation that it tells of.
    }
}

void Db::audit(std::string_view name, std::string_view tenant, std::string message,
               std::string fields, telemetry::Events::AuditPlace place) noexcept {
    try {
        telemetry::Event event;
        event.kind = telemetry::Class::audit;
        event.name = name;
        event.tenant = tenant;
        event.message = std::move(message);
        event.fields = std::move(fields);
        events_.emit(std::move(event), std::move(place));
    } catch (const std::bad_alloc&) {
        // The operation is done: it cannot be failed any more.
    }
}

int32_t Db::poll_events(void* buffer, int64_t capacity, const Wait& wait, int64_t& rows,
                        int64_t& used, int64_t& dropped) {
    constexpr std::size_t batch = 1024;
    constexpr int64_t row_bytes = 160;  // of text, as a first guess
    db::BlockWriter writer(buffer, capacity, 8, static_cast<int64_t>(batch), row_bytes);
    telemetry::Events::Taken taken = events_.take(batch, wait);
    auto& events = taken.events;
    std::size_t written = 0;
    for (; written < events.size() && writer.has_room(); ++written) {
        put(writer, events[written]);
        if (!writer.end_row()) break;
    }
    if (written == 0 && !events.empty()) {
        events_.put_back(std::move(events), taken.dropped);
        used = writer.needed();
        return MTDB_TRUNCATED;
    }
    events.erase(events.begin(), events.begin() + static_cast<std::ptrdiff_t>(written));
    const bool none = written == 0;
    if (!events.empty()) events_.put_back(std::move(events));
    rows = writer.rows();
    used = writer.finish();
    dropped = taken.dropped;
    return none ? MTDB_DONE : MTDB_OK;
}

}  // namespace mtdb::engine
