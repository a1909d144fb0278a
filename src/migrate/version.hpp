// SPDX-License-Identifier: MIT
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mtdb::migrate {

// A script's version: dotted integers of any length. Equality and order are numeric (1 = 1.0 = 01);
// text() is what the history stores, as the script's author wrote it, with "_" as ".".
class Version {
public:
    Version() = default;  // no version: below all others

    static std::optional<Version> find(std::string_view text);  // nothing: not a version
    static Version parse(std::string_view text);                // throws Error(invalid_argument)
    static Version of(int64_t number);

    const std::string& text() const noexcept { return text_; }
    bool empty() const noexcept { return text_.empty(); }
    // The version as golang-migrate's table holds it: one part, 0 to 2^63 - 1.
    std::optional<int64_t> number() const;

    std::strong_ordering operator<=>(const Version& other) const noexcept;
    bool operator==(const Version& other) const noexcept {
        return (*this <=> other) == std::strong_ordering::equal;
    }

private:
    struct Part {
        bool negative = false;
        std::string digits;  // without leading zeros; empty: 0
    };
    static std::optional<Part> find_part(std::string_view text);
    static std::strong_ordering compare(const Part& a, const Part& b) noexcept;

    std::string text_;
    std::vector<Part> parts_;  // without trailing zeros
};

}  // namespace mtdb::migrate
