// SPDX-License-Identifier: MIT
#pragma once

#include "base/error.hpp"

namespace mtdb::migrate {

// These say what stopped the work and keep their code; all others of a script become MIGRATION_FAILED.
constexpr bool keeps_code(Code code) {
    switch (code) {
        case Code::cancelled:
        case Code::timeout:
        case Code::disk_full:
        case Code::io:
        case Code::read_only:
        case Code::corrupt:
        case Code::unavailable:
        case Code::nomem:
        case Code::forked:
        case Code::closed:
        case Code::internal:
        case Code::migration_locked:
        case Code::migration_dirty:
            return true;
        default:
            return false;
    }
}

}  // namespace mtdb::migrate
