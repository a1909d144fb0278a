// SPDX-License-Identifier: MIT
#include "backends/sqlite/memory.hpp"

#include <atomic>

#include "backends/sqlite/backend.hpp"
#include "base/text.hpp"

namespace mtdb::backends::sqlite {

namespace {

constexpr db::Dialect memory_dialect{
    .name = "sqlite",
    .quote = '"',
    .tenant_unit = db::Namespace::file,
    .transactional_ddl = true,
    .single_writer = true,
    .concurrent_results = true,
    .persistent = false,
    .history = history_dialect,
    .driver = driver_dialect,
};

std::string shown(const std::string& place) { return "'" + base::excerpt(place, 200) + "'"; }

}  // namespace

class MemoryBackend::Listing : public db::TenantCursor {
public:
    explicit Listing(std::shared_ptr<Guarded<State>> state) : state_(std::move(state)) {}

    std::optional<std::string> next() override {
        auto state = state_->lock();
        const auto at = last_ ? state->places.upper_bound(*last_) : state->places.begin();
        if (at == state->places.end()) return std::nullopt;
        last_ = at->first;
        return last_;
    }

private:
    std::shared_ptr<Guarded<State>> state_;
    std::optional<std::string> last_;
};

MemoryBackend::MemoryBackend(const db::Settings& settings)
    : config_(std::make_shared<const Config>(Config::read(settings))),
      shared_name_(settings.text("tenant.shared")),
      shared_path_(
          shared_name_.empty() ? "" : expand_template(settings.text("tenant.path"), shared_name_)),
      state_(std::make_shared<Guarded<State>>()) {}

const db::Dialect& MemoryBackend::dialect() const { return memory_dialect; }

MemoryBackend::Anchor MemoryBackend::make_anchor() {
    // Never used twice in a process: a dropped place's connections cannot meet its successor.
    static std::atomic<uint64_t> serial{0};
    std::string name = "file:/mtdb-" +
                       std::to_string(serial.fetch_add(1, std::memory_order_relaxed)) +
                       "?vfs=memdb";
    constexpr int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_URI;
    Handle handle(name, flags, Storage::memory);
    return {std::move(name), std::move(handle)};
}

void MemoryBackend::add(const std::string& place, Anchor anchor) {
    auto state = state_->lock();
    if (!state->places.try_emplace(place, std::move(anchor)).second)
        throw Error(Code::exists, shown(place) + " is there already");
}

std::optional<std::string> MemoryBackend::name_of(const std::string& place) {
    auto state = state_->lock();
    const auto found = state->places.find(place);
    if (found == state->places.end()) return std::nullopt;
    return found->second.name;
}

std::unique_ptr<db::Connection> MemoryBackend::open(const db::Place& place, const Wait& wait) {
    wait.check("the tenant to open");
    const auto name = name_of(place.path);
    if (!name) throw Error(Code::tenant_unknown, "there is no " + shown(place.path));
    std::optional<Shared> shared;
    if (!shared_name_.empty() && place.path != shared_path_) {
        const auto shared_file = name_of(shared_path_);
        if (!shared_file)
            throw Error(Code::not_found,
                        "the shared database " + shown(shared_path_) + " does not exist");
        shared = Shared{shared_name_, *shared_file + "&mode=ro"};
    }
    Handle handle(*name, SQLITE_OPEN_READWRITE | SQLITE_OPEN_URI, Storage::memory);
    return std::make_unique<Connection>(std::move(handle), config_, place.path, shared, wait);
}

void MemoryBackend::create(const db::Place& place, const Wait& wait) {
    wait.check("the tenant to be created");
    if (place.path.empty()) throw Error(Code::invalid_argument, "path '' is empty");
    add(place.path, make_anchor());
}

bool MemoryBackend::exists(const db::Place& place, const Wait&) { return name_of(place.path).has_value(); }

void MemoryBackend::drop(const db::Place& place, const Wait&) {
    decltype(State::places)::node_type gone;  // closed after the lock is given back
    auto state = state_->lock();
    gone = state->places.extract(place.path);
    if (gone.empty()) throw Error(Code::tenant_unknown, "there is no " + shown(place.path));
}

void MemoryBackend::copy(db::Connection& source, const db::Place& target, const Wait& wait) {
    if (name_of(target.path).has_value()) throw Error(Code::exists, shown(target.path) + " is there already");
    Anchor anchor = make_anchor();
    static_cast<Connection&>(source).copy_into(anchor.name, wait);
    add(target.path, std::move(anchor));
}

std::unique_ptr<db::TenantCursor> MemoryBackend::list(const Wait&) {
    return std::make_unique<Listing>(state_);
}

}  // namespace mtdb::backends::sqlite
