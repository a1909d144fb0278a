// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/guarded.hpp"
#include "control/quiesce.hpp"
#include "engine/conn.hpp"
#include "engine/counted.hpp"
#include "engine/options.hpp"
#include "telemetry/events.hpp"

namespace mtdb::engine {

class Db;

// The deployment's pause in a program's hands: whoever sets it, asks about it, or has its db obey it.
class Quiesce final : public Counted {
public:
    static Ref<Quiesce> open(const Ref<Db>& db, const Options& options);

    Db& db() const noexcept { return *db_; }
    void create(const Wait& wait);
    void enable(const Wait& wait);

    struct Granted {
        std::string token;
        int64_t ttl_ms = 0;  // after clamping
    };
    // An empty scope is "global"; an empty token the one that this handle has for the scope.
    Granted set(std::string_view scope, std::string_view by, std::string_view reason, int64_t ttl_ms, bool force,
                const Wait& wait);
    int64_t renew(std::string_view scope, std::string_view token, int64_t ttl_ms, const Wait& wait);
    void clear(std::string_view scope, std::string_view by, std::string_view token, bool force, const Wait& wait);
    Ref<Result> query(std::string_view scope, const Wait& wait);  // empty: every flag
    struct Seen {
        int64_t stamp = 0;
        control::FlagState state = control::FlagState::none;
    };
    // Until the flag's stamp is another one than `since`; false at the deadline.
    bool watch(std::string_view scope, int64_t since, const Wait& wait, Seen& seen);
    Ref<Result> wait_parked(std::string_view scope, const Wait& wait);
    void close() noexcept { closed_.store(true, std::memory_order_release); }

private:
    template <class T, class... Arguments>
    friend Ref<T> make(Arguments&&...);
    Quiesce(Ref<Db> db, const Options& options);

    using Tokens = std::map<std::string, std::string>;
    void check_open() const;
    std::string token_for(const std::string& scope, std::string_view given);
    void told(std::string_view name, const control::Flag& flag, std::string_view by, std::string_view what,
              telemetry::Events::AuditPlace place, int64_t asked_ms) noexcept;

    Ref<Db> db_;
    const Options options_;
    const std::shared_ptr<control::Store> store_;
    Guarded<Tokens> tokens_;
    std::atomic<bool> closed_{false};
};

}  // namespace mtdb::engine
