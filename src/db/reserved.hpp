// SPDX-License-Identifier: MIT
#pragma once

#include <string_view>

namespace mtdb::db {

// A name that no tenant may have, compared without regard to ASCII case.
struct Reserved {
    enum class Match { whole, beginning, numbered };  // numbered: the name and one digit from 1 to 9
    std::string_view name;
    Match match;
    std::string_view reason;  // completes "is reserved: "
};

}  // namespace mtdb::db
