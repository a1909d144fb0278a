// SPDX-License-Identifier: MIT
// Migration drivers: golang-migrate's database driver contract, whoever fulfils it.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/wait.hpp"
#include "engine/conn.hpp"
#include "engine/counted.hpp"
#include "engine/options.hpp"

namespace mtdb::engine {

// What a driver does. One thread at a time, locked at most once, not after its end: Driver sees to
// that.
class DriverBody {
public:
    struct Version {
        int64_t version = -1;
        bool dirty = false;
    };
    virtual ~DriverBody() = default;
    virtual void lock(const Wait& wait) = 0;
    virtual void unlock() = 0;
    virtual void run(std::string_view text, const Wait& wait) = 0;
    virtual void set_version(int64_t version, bool dirty, const Wait& wait) = 0;
    virtual Version version(const Wait& wait) = 0;
    virtual void drop(const Wait& wait) = 0;
};

// How a driver of a scheme is opened; the url is without "mtdb+".
using DriverOpener = std::unique_ptr<DriverBody> (*)(const void* context, const std::string& url,
                                                     const Wait& wait);
// For the rest of the process; `context` lives as long. Throws Error(exists),
// Error(invalid_argument).
void register_driver(std::string_view scheme, DriverOpener opener, const void* context);

// A failed migration's error: as a migration's, with its place in the message.
Error migration_failure(const Error& cause);

// A driver in a program's hands.
class Driver final : public Counted {
public:
    struct Asked {
        int64_t timeout_ms;
        const Ref<Cancel>& cancel;
    };
    static Ref<Driver> open(std::string_view url, const Options& options, const Asked& asked);
    static Ref<Driver> from_conn(Ref<Conn> conn, const Options& options, const Asked& asked);

    // Each throws Error(misuse) when another thread is inside, Error(closed) after the end.
    void close();
    void lock(const Asked& asked);
    void unlock();
    void run(std::string_view text, const Asked& asked);
    void set_version(int64_t version, bool dirty, const Asked& asked);
    DriverBody::Version version(const Asked& asked);
    void drop(const Asked& asked);

private:
    template <class T, class... Arguments>
    friend Ref<T> make(Arguments&&...);
    Driver(const Options& options, const std::atomic<bool>* shutdown);

    class Entry;
    Wait wait(const Asked& asked, int64_t default_ms) const;

    const int64_t acquire_timeout_ms_;
    const int64_t query_timeout_ms_;           // or MTDB_FOREVER
    const std::atomic<bool>* const shutdown_;  // of the lease's db
    std::unique_ptr<DriverBody> body_;         // null: closed
    bool locked_ = false;
    std::atomic<bool> inside_{false};
};

}  // namespace mtdb::engine
