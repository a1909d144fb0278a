// SPDX-License-Identifier: MIT
// SQL that runs at the events of a verb.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string_view>

#include "migrate/execute.hpp"

namespace mtdb::migrate {

// The callbacks of one verb on one connection.
class Callbacks {
public:
    using EnterWrite = std::function<std::shared_ptr<void>(const Wait&)>;

    // All must outlive it; `enter_write` may be empty: see Progress.
    Callbacks(std::span<const Callback> all, db::Connection& connection, const db::Dialect& dialect,
              const EnterWrite& enter_write, const Wait& wait)
        : all_(all), connection_(connection), dialect_(dialect), enter_write_(enter_write), wait_(wait) {}

    // In transactions of their own, one each. Throws the error of the first that fails, naming it.
    void fire(std::string_view event) const;
    // Where the present script runs.
    void fire_inside(std::string_view event, Surroundings surroundings) const;
    // After a failure, whose error is the one that counts.
    void fire_after_error(std::string_view event) const noexcept;

private:
    void run(const Callback& callback) const;
    [[noreturn]] static void fail(const Callback& callback, const Error& error);

    std::span<const Callback> all_;
    db::Connection& connection_;
    const db::Dialect& dialect_;
    const EnterWrite& enter_write_;
    const Wait& wait_;
};

}  // namespace mtdb::migrate
