// SPDX-License-Identifier: MIT
// What a tenant's statement may do: it may not leave its file, nor change what the next lease
// relies on.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "db/connection.hpp"

namespace mtdb::backends::sqlite {

// How a pragma may be used. `query`: its argument selects what is read. `action`: it does something
// harmless.
enum class PragmaUse : uint8_t { refused, read, query, action, set, set_session, set_deferred };

struct PragmaRule {
    std::string_view name;  // lower case
    PragmaUse use;
};

std::span<const PragmaRule> pragma_rules() noexcept;
// `refused` for a name that is not in the list.
PragmaUse pragma_use(std::string_view name) noexcept;

// Marks that a connection's statements leave behind, and the reason of a refusal. One per
// connection.
class Authorizer {
public:
    // From here on every statement of `db` is judged. The authorizer must outlive the handle.
    void watch(sqlite3* db) noexcept;

    // SQLite sets a flag while it prepares the pragma. Here such a pragma compiles to nothing
    // unless flags are let through, which is for its run.
    void let_flags_through(bool let) noexcept { flags_pass_ = let; }

    // What the statements prepared since do to the transaction.
    void forget_control() noexcept {
        control_ = db::Control::none;
        writes_unseen_ = false;
        held_back_ = false;
        calls_functions_ = false;
        checkpoints_all_ = false;
    }
    db::Control control() const noexcept { return control_; }
    // True when one of them writes although SQLite calls it read-only.
    bool writes_unseen() const noexcept { return writes_unseen_; }
    // True when one of them is a pragma that compiled to nothing.
    bool held_back() const noexcept { return held_back_; }
    bool calls_functions() const noexcept { return calls_functions_; }
    // True when one of them is wal_checkpoint without a database's name; the mode is what it was
    // given, empty for the default.
    bool checkpoints_all() const noexcept { return checkpoints_all_; }
    std::string_view checkpoint_mode() const noexcept { return checkpoint_mode_; }
    // Why something was refused; empty when nothing was.
    void forget_refusal() noexcept { refusal_size_ = 0; }
    std::string_view refusal() const noexcept { return {refusal_, refusal_size_}; }

    bool left_session_state() const noexcept { return session_state_; }
    bool deferred_keys() const noexcept { return deferred_keys_; }
    void forget_deferred_keys() noexcept { deferred_keys_ = false; }

private:
    static int judge(void* self, int action, const char* a, const char* b, const char* database,
                     const char* trigger) noexcept;
    int judge_pragma(const char* name, const char* argument, const char* database) noexcept;
    int judge_flag(bool sets, bool& mark) noexcept;
    void judge_checkpoint(const char* mode, const char* database) noexcept;
    int judge_module(const char* module, const char* database) noexcept;
    int refuse(std::string_view what, const char* name = nullptr) noexcept;

    char refusal_[96] = {};
    std::size_t refusal_size_ = 0;
    db::Control control_ = db::Control::none;
    std::string_view checkpoint_mode_;
    bool writes_unseen_ = false;
    bool flags_pass_ = false;
    bool held_back_ = false;
    bool calls_functions_ = false;
    bool checkpoints_all_ = false;
    bool session_state_ = false;
    bool deferred_keys_ = false;
};

}  // namespace mtdb::backends::sqlite
