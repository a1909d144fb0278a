// SPDX-License-Identifier: MIT
#include "base/text.hpp"

#include <algorithm>
#include <cstring>

namespace mtdb::base {
namespace {

bool continuation(char byte) noexcept {
    return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U;
}
bool blank(char byte) noexcept { return byte == ' ' || (byte >= '\t' && byte <= '\r'); }
char folded(char byte) noexcept {
    return byte >= 'A' && byte <= 'Z' ? static_cast<char>(byte + ('a' - 'A')) : byte;
}

// Bytes of the well-formed character at the start of `text`, or 0: no overlong form, no surrogate,
// nothing past U+10FFFF.
std::size_t character_size(std::string_view text) noexcept {
    const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
    const unsigned char first = byte(0);
    if (first < 0x80) return 1;
    const std::size_t size = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
    if (first < 0xC2 || first > 0xF4 || text.size() < size) return 0;
    unsigned char low = 0x80;
    unsigned char high = 0xBF;
    if (first == 0xE0) low = 0xA0;
    if (first == 0xED) high = 0x9F;
    if (first == 0xF0) low = 0x90;
    if (first == 0xF4) high = 0x8F;
    if (byte(1) < low || byte(1) > high) return 0;
    for (std::size_t at = 2; at < size; ++at) {
        if (!continuation(text[at])) return 0;
    }
    return size;
}

// Insertions, deletions, replacements and swaps of neighbours between two short texts.
std::size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> before(b.size() + 1);
    std::vector<std::size_t> above(b.size() + 1);
    std::vector<std::size_t> row(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j) above[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t replaced =
                above[j - 1] + (folded(a[i - 1]) == folded(b[j - 1]) ? 0 : 1);
            row[j] = std::min({above[j] + 1, row[j - 1] + 1, replaced});
            const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
            if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
        }
        std::swap(before, above);
        std::swap(above, row);
    }
    return above[b.size()];
}

}  // namespace

Position position_of(std::string_view text, std::size_t offset) {
    offset = std::min(offset, text.size());
    while (offset > 0 && offset < text.size() && continuation(text[offset])) --offset;
    Position position;
    std::size_t at = 0;
    // Lines without a carriage return, the usual ones, are passed by whole.
    if (text.substr(0, offset).find('\r') == std::string_view::npos)
        for (std::size_t end; (end = text.find('\n', at)) < offset; at = end + 1) ++position.line;
    for (; at < offset; ++at) {
        const bool pair = text[at] == '\r' && at + 1 < text.size() && text[at + 1] == '\n';
        if (pair && at + 1 == offset) break;  // Between CR and LF is still at the line end.
        if (pair) ++at;
        if (text[at] == '\n' || text[at] == '\r') {
            ++position.line;
            position.column = 1;
        } else if (!continuation(text[at])) {
            ++position.column;
        }
    }
    return position;
}

std::size_t offset_of(std::string_view text, Position position) {
    Position here;
    std::size_t at = 0;
    while (at < text.size() && here != position) {
        const bool pair = text[at] == '\r' && at + 1 < text.size() && text[at + 1] == '\n';
        if (text[at] == '\n' || text[at] == '\r') {
            ++here.line;
            here.column = 1;
        } else {
            ++here.column;
        }
        at += pair ? 2 : 1;
        while (at < text.size() && continuation(text[at])) ++at;
    }
    return at;
}

std::optional<std::string_view> nearest(std::string_view text,
                                        std::span<const std::string_view> candidates) {
    constexpr std::size_t size_max = 128;  // The work grows with the product of both lengths.
    if (text.empty() || text.size() > size_max) return std::nullopt;
    std::optional<std::string_view> best;
    std::size_t best_distance = 0;
    for (const std::string_view candidate : candidates) {
        if (candidate.size() > size_max) continue;
        const std::size_t distance = edit_distance(text, candidate);
        // A longer slip than half of the word is another word.
        if (distance * 2 > std::max(text.size(), candidate.size())) continue;
        if (!best || distance < best_distance) {
            best = candidate;
            best_distance = distance;
        }
    }
    return best;
}

std::string excerpt(std::string_view text, std::size_t size_max) {
    std::string cut;
    cut.reserve(std::min(text.size(), size_max * 2));
    for (std::size_t count = 0; !text.empty(); ++count) {
        if (count == size_max) return cut + "...";
        const std::size_t size = character_size(text);
        const auto first = static_cast<unsigned char>(text[0]);
        if (size == 0) {
            cut += '?';
        } else if (first < 0x20 || first == 0x7F) {
            cut += ' ';
        } else {
            cut += text.substr(0, size);
        }
        text.remove_prefix(std::max<std::size_t>(size, 1));
    }
    return cut;
}

bool valid_utf8(std::string_view text) noexcept {
    while (!text.empty()) {
        uint64_t word = 0;
        while (text.size() >= sizeof word) {
            std::memcpy(&word, text.data(), sizeof word);
            if ((word & 0x8080808080808080U) != 0) break;
            text.remove_prefix(sizeof word);
        }
        if (text.empty()) return true;
        const std::size_t size = character_size(text);
        if (size == 0) return false;
        text.remove_prefix(size);
    }
    return true;
}

std::vector<std::string_view> split_lines(std::string_view text) {
    std::vector<std::string_view> lines;
    while (!text.empty()) {
        const std::size_t end = text.find_first_of("\r\n");
        lines.push_back(text.substr(0, end));
        if (end == std::string_view::npos) break;
        text.remove_prefix(end + (text.substr(end, 2) == "\r\n" ? 2 : 1));
    }
    return lines;
}

std::string_view trim(std::string_view text) noexcept {
    while (!text.empty() && blank(text.front())) text.remove_prefix(1);
    while (!text.empty() && blank(text.back())) text.remove_suffix(1);
    return text;
}

bool equal_fold(std::string_view a, std::string_view b) noexcept {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](char x, char y) { return folded(x) == folded(y); });
}

std::string lower(std::string_view text) {
    std::string folded_text(text);
    std::transform(folded_text.begin(), folded_text.end(), folded_text.begin(), folded);
    return folded_text;
}

}  // namespace mtdb::base
