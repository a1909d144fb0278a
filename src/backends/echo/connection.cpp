// SPDX-License-Identifier: MIT
#include "backends/echo/connection.hpp"

#include "backends/echo/statement.hpp"
#include "base/text.hpp"

namespace mtdb::backends::echo {

void Session::begin(bool read_only_mode) {
    if (open)
        throw Error(Code::invalid_state, "a transaction is open")
            .with_native("echo", MTDB_INVALID_STATE);
    open = true;
    read_only = read_only_mode;
}

void Session::end(const char* verb) {
    if (!open)
        throw Error(Code::invalid_state, std::string(verb) + ": no transaction is open")
            .with_native("echo", MTDB_INVALID_STATE);
    rollback();
}

void Session::rollback() noexcept {
    open = false;
    read_only = false;
    savepoints.clear();
}

std::size_t Session::find(std::string_view name) const {
    if (!open)
        throw Error(Code::invalid_state, "no transaction is open")
            .with_native("echo", MTDB_INVALID_STATE);
    for (std::size_t at = savepoints.size(); at-- > 0;) {
        if (savepoints[at] == name) return at;
    }
    throw Error(Code::not_found, "no savepoint '" + base::excerpt(name) + "'")
        .with_native("echo", MTDB_NOT_FOUND);
}

void Session::savepoint(std::string_view name) {
    if (!open)
        throw Error(Code::invalid_state, "no transaction is open")
            .with_native("echo", MTDB_INVALID_STATE);
    savepoints.emplace_back(name);
}

void Session::rollback_to(std::string_view name) { savepoints.resize(find(name) + 1); }

void Session::release(std::string_view name) { savepoints.resize(find(name)); }

std::unique_ptr<db::Statement> Connection::prepare(std::string_view sql, std::string_view* tail,
                                                   const Wait& wait) {
    wait.check("echo");
    std::string_view rest;
    std::optional<Command> command = parse(sql, rest);
    if (tail != nullptr) *tail = rest;
    if (!command) return nullptr;
    return std::make_unique<Statement>(session_, std::move(*command));
}

void Connection::begin(const db::TransactionMode& mode, const Wait& wait) {
    wait.check("echo");
    session_.begin(mode.read_only);
}

void Connection::commit(const Wait& wait) {
    wait.check("echo");
    session_.end("commit");
}

db::Reuse Connection::end_lease() noexcept {
    session_.rollback();
    return db::Reuse::clean;
}

}  // namespace mtdb::backends::echo
