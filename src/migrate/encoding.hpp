// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>

namespace mtdb::migrate {

// Throws Error(invalid_argument) for a character set that the C library does not know.
void require_encoding(std::string_view encoding);
// The bytes of a script as UTF-8, strictly: what does not decode is Error(invalid_argument), naming the script. UTF-16
// with its byte order mark is known as such where the encoding is UTF-8 or UTF-16; without one UTF-16 is big endian.
std::string decoded(std::string bytes, std::string_view encoding, const std::string& script);

}  // namespace mtdb::migrate
