// SPDX-License-Identifier: MIT
// The urls of golang-migrate's database drivers, as its own drivers read them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "db/place.hpp"
#include "db/url.hpp"
#include "engine/options.hpp"

namespace mtdb::engine {

// What stands before the first colon, without "mtdb+". Throws Error(invalid_argument): an empty
// url, no scheme.
struct DriverScheme {
    std::string name;
    std::string url;  // without "mtdb+"
};
DriverScheme driver_scheme(std::string_view url);

// Where the drivers of this library connect to, and with which options.
struct DriverTarget {
    db::Url url;
    db::Place place;
    bool creates_place = false;  // a database that is not there is made
    Options options;  // of scopes db and driver: the url's with the program's own over them
};
// Nothing for a scheme that none of them serves. Throws Error(invalid_argument), which names the
// key but no value of a server's url.
std::optional<DriverTarget> driver_target(const DriverScheme& scheme, const Options& own);
// The schemes, separated by commas.
std::string driver_schemes();
bool is_driver_scheme(std::string_view name) noexcept;

}  // namespace mtdb::engine
