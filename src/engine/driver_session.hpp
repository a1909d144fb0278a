// SPDX-License-Identifier: MIT
// The connection that a migration driver works on: one of its own, or the program's lease.
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "db/backend.hpp"
#include "engine/conn.hpp"

namespace mtdb::engine {

class DriverSession {
public:
    using Work = std::function<void(db::Connection&)>;
    virtual ~DriverSession() = default;
    virtual const db::Dialect& dialect() const = 0;
    // No transaction is open before work, and none may be open afterwards.
    virtual void use(Conn::Writes writes, const Wait& wait, const Work& work) = 0;
    // While it is held the session has the driver's lock: another one must not take its place.
    virtual void hold(bool held) noexcept = 0;
    // Within use(): the server's locks that other drivers of this session have, which it would give once more.
    virtual std::set<std::string, std::less<>>* shared_locks() noexcept { return nullptr; }
    // The state of the session is in doubt.
    virtual void distrust() noexcept = 0;
};

class OwnSession final : public DriverSession {
public:
    OwnSession(std::unique_ptr<db::Backend> backend, db::Place place)
        : backend_(std::move(backend)), place_(std::move(place)) {}

    const db::Dialect& dialect() const override { return backend_->dialect(); }
    void use(Conn::Writes writes, const Wait& wait, const Work& work) override;
    void hold(bool held) noexcept override { held_ = held; }
    void distrust() noexcept override { connection_.reset(); }

private:
    const std::unique_ptr<db::Backend> backend_;
    const db::Place place_;
    std::unique_ptr<db::Connection> connection_;  // null: opened at the next use
    bool held_ = false;
};

class LentSession final : public DriverSession {
public:
    explicit LentSession(Ref<Conn> conn);

    const db::Dialect& dialect() const override;
    void use(Conn::Writes writes, const Wait& wait, const Work& work) override {
        conn_->lend(writes, term_, wait, work);
    }
    void hold(bool) noexcept override {}
    std::set<std::string, std::less<>>* shared_locks() noexcept override { return &conn_->driver_locks(); }
    void distrust() noexcept override {}

private:
    const Ref<Conn> conn_;
    const int64_t term_;  // of the lease that the program gave: it may use the handle for another tenant's afterwards
};

}  // namespace mtdb::engine
