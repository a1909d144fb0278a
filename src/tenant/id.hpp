// SPDX-License-Identifier: MIT
// The one validator of tenant ids: bytes, length and reserved names, before any I/O.
#pragma once

#include <compare>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "db/reserved.hpp"

namespace mtdb::tenant {

constexpr std::size_t id_size_max = 63;

using db::Reserved;

// Where a tenant is a file: device names of Windows, and names that the engine gives to files of
// its own.
std::span<const Reserved> file_reserved() noexcept;

// 1 to 63 bytes of A-Z a-z 0-9 _ and -, not beginning with -, compared byte for byte, never folded
// and never cut.
class Id {
public:
    // Throws Error(invalid_argument) that names the rule and the place.
    static Id parse(std::string_view text, std::span<const Reserved> reserved = file_reserved());
    static std::optional<Id> find(std::string_view text,
                                  std::span<const Reserved> reserved = file_reserved());
    // As parse(), without the copy.
    static void check(std::string_view text, std::span<const Reserved> reserved = file_reserved());

    const std::string& text() const noexcept { return text_; }
    auto operator<=>(const Id&) const = default;

private:
    explicit Id(std::string_view text) : text_(text) {}
    std::string text_;
};

}  // namespace mtdb::tenant

template <>
struct std::hash<mtdb::tenant::Id> {
    std::size_t operator()(const mtdb::tenant::Id& id) const noexcept {
        return std::hash<std::string>()(id.text());
    }
};
