// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

#include "world.hpp"

namespace peers {

// Two processes of mtdb and the tool that `command` starts, on one tenant at once: each script is
// applied once, nobody hangs. To be called before there are threads.
void tell_together(const Place& place, bool flyway, const std::vector<std::string>& command);

}  // namespace peers
