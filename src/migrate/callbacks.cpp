// SPDX-License-Identifier: MIT
#include "migrate/callbacks.hpp"

#include "migrate/keep_code.hpp"

namespace mtdb::migrate {

void Callbacks::fail(const Callback& callback, const Error& error) {
    const Error named =
        error.with_message("callback '" + callback.body.name + "': " + error.message()).with_script(callback.body.name);
    throw keeps_code(error.code()) ? named : named.with_code(Code::migration_failed);
}

void Callbacks::run(const Callback& callback) const {
    if (callback.body.fault) throw Error(*callback.body.fault);
    std::shared_ptr<void> turn;
    if (enter_write_) turn = enter_write_(wait_);
    if (callback.body.split.outside || !dialect_.transactional_ddl) {
        run_body(connection_, callback.body, Surroundings::none, wait_);
        return;
    }
    connection_.begin({.read_only = false, .immediate = true, .isolation = db::Isolation::standard}, wait_);
    try {
        run_body(connection_, callback.body, Surroundings::transaction, wait_);
        connection_.commit(wait_);
    } catch (...) {
        try {
            connection_.rollback();
        } catch (...) {  // NOLINT(bugprone-empty-catch): the first error says why
        }
        throw;
    }
}

void Callbacks::fire(std::string_view event) const {
    for (const Callback& callback : all_) {
        if (callback.event != event) continue;
        try {
            run(callback);
        } catch (const Error& error) {
            fail(callback, error);
        }
    }
}

void Callbacks::fire_inside(std::string_view event, Surroundings surroundings) const {
    for (const Callback& callback : all_) {
        if (callback.event != event) continue;
        try {
            if (callback.body.fault) throw Error(*callback.body.fault);
            run_body(connection_, callback.body, surroundings, wait_);
        } catch (const Error& error) {
            fail(callback, error);
        }
    }
}

void Callbacks::fire_after_error(std::string_view event) const noexcept {
    try {
        fire(event);
    } catch (...) {  // NOLINT(bugprone-empty-catch): the error that led here is told
    }
}

}  // namespace mtdb::migrate
