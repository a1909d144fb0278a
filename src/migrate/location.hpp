// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace mtdb::migrate {

// The folders that a text of locations names, without those inside another: paths separated by commas, each as it is,
// with `filesystem:` before it (Flyway), or as a `file:` URL (golang-migrate). Throws Error(unsupported) for other
// kinds of location, Error(invalid_argument) for a URL that is none.
std::vector<std::string> folders_of(std::string_view locations);

}  // namespace mtdb::migrate
