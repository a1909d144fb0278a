// SPDX-License-Identifier: MIT
#include "migrate/version.hpp"

#include <algorithm>
#include <charconv>
#include <iterator>

#include "base/error.hpp"
#include "base/text.hpp"

namespace mtdb::migrate {

namespace {

// The zeros of the scripts whose decimal digits Flyway's integers accept; each is followed by its 1
// to 9.
constexpr char32_t zeros[] = {
    0x0030,  0x0660,  0x06F0,  0x07C0,  0x0966,  0x09E6,  0x0A66,  0x0AE6,  0x0B66,
    0x0BE6,  0x0C66,  0x0CE6,  0x0D66,  0x0DE6,  0x0E50,  0x0ED0,  0x0F20,  0x1040,
    0x1090,  0x17E0,  0x1810,  0x1946,  0x19D0,  0x1A80,  0x1A90,  0x1B50,  0x1BB0,
    0x1C40,  0x1C50,  0xA620,  0xA8D0,  0xA900,  0xA9D0,  0xA9F0,  0xAA50,  0xABF0,
    0xFF10,  0x104A0, 0x11066, 0x110F0, 0x11136, 0x111D0, 0x112F0, 0x11450, 0x114D0,
    0x11650, 0x116C0, 0x11730, 0x118E0, 0x11C50, 0x16A60, 0x16B50,
};

// The code point at the front of valid UTF-8, which is removed from `text`.
char32_t take_code_point(std::string_view& text) {
    const auto lead = static_cast<unsigned char>(text.front());
    const std::size_t size = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    char32_t point = size == 1 ? lead : lead & (0xFFU >> (size + 1));
    for (std::size_t i = 1; i < size && i < text.size(); ++i)
        point = point << 6 | (static_cast<unsigned char>(text[i]) & 0x3FU);
    text.remove_prefix(std::min(size, text.size()));
    return point;
}

bool ascii_digit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

std::optional<Version::Part> Version::find_part(std::string_view text) {
    Part part;
    if (!text.empty() && (text.front() == '-' || text.front() == '+')) {
        part.negative = text.front() == '-';
        text.remove_prefix(1);
    }
    if (text.empty()) return std::nullopt;
    while (!text.empty()) {
        const char32_t point = take_code_point(text);
        const auto* zero = std::ranges::find_if(
            zeros, [point](char32_t z) { return point >= z && point <= z + 9; });
        if (zero == std::end(zeros)) return std::nullopt;
        const auto digit = static_cast<char>('0' + static_cast<int>(point - *zero));
        if (digit != '0' || !part.digits.empty()) part.digits += digit;
    }
    if (part.digits.empty()) part.negative = false;
    return part;
}

std::optional<Version> Version::find(std::string_view text) {
    if (text.empty() || !base::valid_utf8(text)) return std::nullopt;
    Version version;
    version.text_ = text;
    std::ranges::replace(version.text_, '_', '.');
    // A part ends at a dot that a digit follows: other dots stay in the part and make it no number.
    std::string_view rest = version.text_;
    while (true) {
        std::size_t dot = rest.find('.');
        while (dot != std::string_view::npos &&
               (dot + 1 == rest.size() || !ascii_digit(rest[dot + 1])))
            dot = rest.find('.', dot + 1);
        auto part = find_part(rest.substr(0, dot));
        if (!part) return std::nullopt;
        version.parts_.push_back(std::move(*part));
        if (dot == std::string_view::npos) break;
        rest.remove_prefix(dot + 1);
    }
    while (!version.parts_.empty() && version.parts_.back().digits.empty())
        version.parts_.pop_back();
    return version;
}

Version Version::parse(std::string_view text) {
    if (auto version = find(text)) return std::move(*version);
    throw Error(Code::invalid_argument,
                "'" + base::excerpt(text) + "' is not a version: dotted numbers such as 3 or 1.2");
}

Version Version::of(int64_t number) { return parse(std::to_string(number)); }

std::optional<int64_t> Version::number() const {
    if (text_.empty() || parts_.size() > 1) return std::nullopt;
    if (parts_.empty()) return 0;
    const Part& part = parts_.front();
    if (part.negative) return std::nullopt;
    int64_t number = 0;
    const char* end = part.digits.data() + part.digits.size();
    if (std::from_chars(part.digits.data(), end, number).ec != std::errc{}) return std::nullopt;
    return number;
}

std::strong_ordering Version::compare(const Part& a, const Part& b) noexcept {
    if (a.negative != b.negative)
        return a.negative ? std::strong_ordering::less : std::strong_ordering::greater;
    const Part& low = a.negative ? b : a;
    const Part& high = a.negative ? a : b;
    if (low.digits.size() != high.digits.size()) return low.digits.size() <=> high.digits.size();
    return low.digits.compare(high.digits) <=> 0;
}

std::strong_ordering Version::operator<=>(const Version& other) const noexcept {
    if (empty() || other.empty()) return !empty() <=> !other.empty();
    static const Part zero;
    const std::size_t count = std::max(parts_.size(), other.parts_.size());
    for (std::size_t i = 0; i < count; ++i) {
        const auto order = compare(i < parts_.size() ? parts_[i] : zero,
                                   i < other.parts_.size() ? other.parts_[i] : zero);
        if (order != 0) return order;
    }
    return std::strong_ordering::equal;
}

}  // namespace mtdb::migrate
