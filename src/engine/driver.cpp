// SPDX-License-Identifier: MIT
#include "engine/driver.hpp"

#include <algorithm>
#include <map>

#include "backends/registry.hpp"
#include "base/guarded.hpp"
#include "base/text.hpp"
#include "engine/db.hpp"
#include "engine/driver_session.hpp"
#include "engine/driver_sql.hpp"
#include "engine/driver_url.hpp"

namespace mtdb::engine {
namespace {

struct Registered {
    DriverOpener opener;
    const void* context;
};
using Registry = Guarded<std::map<std::string, Registered, std::less<>>>;

// Never destroyed: a driver may be opened by what runs behind main().
Registry& registry() {
    static Registry* const drivers = new Registry;
    return *drivers;
}

std::optional<Registered> find_registered(std::string_view scheme) {
    auto drivers = registry().lock();
    const auto found = drivers->find(scheme);
    if (found == drivers->end()) return std::nullopt;
    return found->second;
}

std::string known_schemes() {
    std::string names = driver_schemes();
    auto drivers = registry().lock();
    for (const auto& [name, driver] : *drivers) names += ", " + name;
    return names;
}

int64_t default_query_ms(const Options& options) {
    const int64_t time = options.integer("query_timeout_ms");
    return time > 0 ? time : MTDB_FOREVER;
}

std::unique_ptr<DriverBody> body_of(const DriverTarget& target, const Wait& wait) {
    std::unique_ptr<db::Backend> backend = backends::open(target.url, target.options);
    DriverSettings settings = DriverSettings::read(target.options, backend->dialect());
    if (target.creates_place && !backend->exists(target.place, wait)) {
        try {
            backend->create(target.place, wait);
        } catch (const Error& error) {
            if (error.code() != Code::exists) throw;  // another process was first
        }
    }
    return std::make_unique<SqlDriver>(
        std::make_unique<OwnSession>(std::move(backend), target.place), std::move(settings), wait);
}

}  // namespace

void register_driver(std::string_view scheme, DriverOpener opener, const void* context) {
    const auto letter = [](char c) { return c >= 'a' && c <= 'z'; };
    const auto other = [](char c) {
        return (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
    };
    const bool fine = !scheme.empty() && letter(scheme.front()) &&
                      std::ranges::all_of(scheme, [&](char c) { return letter(c) || other(c); });
    if (!fine || scheme.starts_with("mtdb+"))
        throw Error(Code::invalid_argument,
                    "'" + base::excerpt(scheme) + "' is no scheme for a driver");
    if (is_driver_scheme(scheme) ||
        !registry().lock()->try_emplace(std::string(scheme), Registered{opener, context}).second)
        throw Error(Code::exists, "there is a driver '" + base::excerpt(scheme) + "' already");
}

// Only when another thread is not inside, and the driver has not ended.
class Driver::Entry {
public:
    explicit Entry(Driver& driver) : driver_(driver) {
        if (driver.inside_.exchange(true))
            throw Error(Code::misuse, "another thread is using this driver");
    }
    Entry(const Entry&) = delete;
    ~Entry() { driver_.inside_.store(false); }
    DriverBody& body() const {
        if (driver_.body_ == nullptr) throw Error(Code::closed, "the driver was closed");
        return *driver_.body_;
    }

private:
    Driver& driver_;
};

Driver::Driver(const Options& options, const std::atomic<bool>* shutdown)
    : acquire_timeout_ms_(options.integer("acquire_timeout_ms")),
      query_timeout_ms_(default_query_ms(options)),
      shutdown_(shutdown) {}

Wait Driver::wait(const Asked& asked, int64_t default_ms) const {
    Db::check_timeout(asked.timeout_ms);
    const int64_t time = asked.timeout_ms == MTDB_DEFAULT ? default_ms : asked.timeout_ms;
    Wait wait{Deadline::never(), asked.cancel ? &asked.cancel->token : nullptr, shutdown_};
    if (time >= 0) wait.deadline = Deadline::in(base::milliseconds(time));
    return wait;
}

Ref<Driver> Driver::open(std::string_view url, const Options& options, const Asked& asked) {
    const DriverScheme scheme = driver_scheme(url);
    if (const std::optional<DriverTarget> target = driver_target(scheme, options)) {
        Ref<Driver> driver = make<Driver>(target->options, nullptr);
        driver->body_ = body_of(*target, driver->wait(asked, driver->acquire_timeout_ms_));
        return driver;
    }
    const std::optional<Registered> found = find_registered(scheme.name);
    if (!found)
        throw Error(Code::unsupported, "there is no driver '" + base::excerpt(scheme.name) +
                                           "'; there are: " + known_schemes());
    Ref<Driver> driver = make<Driver>(options, nullptr);
    const Wait wait = driver->wait(asked, driver->acquire_timeout_ms_);
    wait.check("the driver");
    driver->body_ = found->opener(found->context, scheme.url, wait);
    return driver;
}

Ref<Driver> Driver::from_conn(Ref<Conn> conn, const Options& options, const Asked& asked) {
    const Wait of_db = conn->db().wait(0, {}, Patience::query);
    Ref<Driver> driver = make<Driver>(conn->db().options(), of_db.shutdown);
    DriverSettings settings = DriverSettings::read(options, conn->db().dialect());
    const Wait wait = driver->wait(asked, driver->acquire_timeout_ms_);
    driver->body_ = std::make_unique<SqlDriver>(std::make_unique<LentSession>(std::move(conn)),
                                                std::move(settings), wait);
    return driver;
}

void Driver::close() {
    const Entry entry(*this);
    if (body_ == nullptr) return;
    if (std::exchange(locked_, false)) {
        try {
            body_->unlock();
        } catch (const Error&) {
            // The session that had the lock is gone, and the lock with it.
        }
    }
    body_.reset();
}

void Driver::lock(const Asked& asked) {
    const Entry entry(*this);
    DriverBody& body = entry.body();
    if (locked_) throw Error(Code::migration_locked, "can't acquire lock: this driver holds it");
    const Wait limit = wait(asked, acquire_timeout_ms_);
    if (limit.cancelled() || limit.shut_down()) throw limit.error("the lock of the migrations");
    body.lock(limit);
    locked_ = true;
}

void Driver::unlock() {
    const Entry entry(*this);
    DriverBody& body = entry.body();
    if (!locked_) throw Error(Code::invalid_state, "can't unlock, as not currently locked");
    locked_ = false;
    body.unlock();
}

void Driver::run(std::string_view text, const Asked& asked) {
    const Entry entry(*this);
    DriverBody& body = entry.body();
    const Wait limit = wait(asked, query_timeout_ms_);
    limit.check("the migration");
    body.run(text, limit);
}

void Driver::set_version(int64_t version, bool dirty, const Asked& asked) {
    const Entry entry(*this);
    DriverBody& body = entry.body();
    if (version < -1)
        throw Error(Code::invalid_argument,
                    "a version is -1 or more, not " + std::to_string(version));
    const Wait limit = wait(asked, query_timeout_ms_);
    limit.check("the version");
    body.set_version(version, dirty, limit);
}

DriverBody::Version Driver::version(const Asked& asked) {
    const Entry entry(*this);
    DriverBody& body = entry.body();
    const Wait limit = wait(asked, query_timeout_ms_);
    limit.check("the version");
    return body.version(limit);
}

void Driver::drop(const Asked& asked) {
    const Entry entry(*this);
    DriverBody& body = entry.body();
    const Wait limit = wait(asked, query_timeout_ms_);
    limit.check("the drop");
    body.drop(limit);
}

Error migration_failure(const Error& cause) {
    std::string message = "migration failed: " + cause.message();
    if (cause.column() > 0) message += " (column " + std::to_string(cause.column()) + ")";
    if (cause.line() > 0) message += " in line " + std::to_string(cause.line());
    const Error error = cause.with_message(std::move(message));
    switch (cause.code()) {
        case Code::sql_error:
        case Code::constraint:
        case Code::exists:
        case Code::not_found:
        case Code::invalid_argument:
        case Code::invalid_state:
        case Code::permission:
        case Code::serialization:
        case Code::tx_lost:
        case Code::limit:
        case Code::unsupported:
            return error.with_code(Code::migration_failed);
        default:  // it is not the text's fault
            return error;
    }
}

}  // namespace mtdb::engine
