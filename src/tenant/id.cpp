// SPDX-License-Identifier: MIT
#include "tenant/id.hpp"

#include <array>
#include <cstdint>

#include "base/error.hpp"
#include "base/text.hpp"

namespace mtdb::tenant {
namespace {

constexpr auto allowed = [] {
    std::array<uint8_t, 256> table{};
    for (int byte = 0; byte < 256; ++byte) {
        table[static_cast<std::size_t>(byte)] =
            (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
            (byte >= '0' && byte <= '9') || byte == '_' || byte == '-';
    }
    return table;
}();

using Match = Reserved::Match;
constexpr std::string_view device = "a device of Windows";
constexpr std::string_view engine_name = "a database name of the engine";
constexpr Reserved of_files[] = {
    {"con", Match::whole, device},
    {"prn", Match::whole, device},
    {"aux", Match::whole, device},
    {"nul", Match::whole, device},
    {"com", Match::numbered, device},
    {"lpt", Match::numbered, device},
    {"main", Match::whole, engine_name},
    {"temp", Match::whole, engine_name},
    {"sqlite_", Match::beginning, "names that begin so are the engine's"},
    {"vacuum_db", Match::beginning, "names that begin so are the engine's"},
};

// Both are of the id's alphabet and `name` is lower case: setting bit 5 folds letters, keeps digits
// and '-', and turns '_' into DEL, on both sides alike.
bool folds_to(std::string_view text, std::string_view name) noexcept {
    for (std::size_t at = 0; at < name.size(); ++at) {
        if ((text[at] | 0x20) != (name[at] | 0x20)) return false;
    }
    return true;
}

bool matches(std::string_view id, const Reserved& reserved) noexcept {
    const std::size_t size = reserved.name.size();
    switch (reserved.match) {
        case Match::whole:
            return id.size() == size && folds_to(id, reserved.name);
        case Match::beginning:
            return id.size() >= size && folds_to(id, reserved.name);
        case Match::numbered:
            return id.size() == size + 1 && id[size] >= '1' && id[size] <= '9' &&
                   folds_to(id, reserved.name);
    }
    return false;
}

// The first byte that may not stand where it does, or the size.
std::size_t bad_byte(std::string_view text) noexcept {
    if (text.front() == '-') return 0;
    std::size_t at = 0;
    while (at < text.size() && allowed[static_cast<unsigned char>(text[at])]) ++at;
    return at;
}

const Reserved* find_reserved(std::string_view text, std::span<const Reserved> reserved) noexcept {
    const int first = text.front() | 0x20;
    for (const Reserved& name : reserved) {
        if ((name.name.front() | 0x20) == first && matches(text, name)) return &name;
    }
    return nullptr;
}

// On the path of every call: no branch per byte.
bool well_formed(std::string_view text) noexcept {
    if (text.empty() || text.size() > id_size_max) return false;
    unsigned good = text.front() != '-' ? 1U : 0U;
    for (const char byte : text) good &= allowed[static_cast<unsigned char>(byte)];
    return good != 0;
}

std::string byte_name(char byte) {
    const auto value = static_cast<unsigned char>(byte);
    if (value == 0) return "a NUL";
    if (value > 0x20 && value < 0x7F) return std::string("'") + byte + "'";
    constexpr char digits[] = "0123456789abcdef";
    return std::string("byte 0x") + digits[value >> 4] + digits[value & 15];
}

[[noreturn]] void refuse(std::string_view text, std::span<const Reserved> reserved) {
    if (text.empty()) throw Error(Code::invalid_argument, "the tenant id is empty");
    const std::string named = "tenant id '" + base::excerpt(text) + "'";
    if (text.size() > id_size_max) {
        throw Error(Code::invalid_argument, named + " has " + std::to_string(text.size()) +
                                                " bytes: at most 63 are allowed");
    }
    const std::size_t at = bad_byte(text);
    if (at == 0 && text.front() == '-')
        throw Error(Code::invalid_argument, named + " begins with '-'");
    if (at < text.size()) {
        throw Error(Code::invalid_argument, named + " has " + byte_name(text[at]) + " at byte " +
                                                std::to_string(at + 1) +
                                                ": only A-Z, a-z, 0-9, _ and - are allowed");
    }
    const Reserved* name = find_reserved(text, reserved);
    throw Error(Code::invalid_argument, named + " is reserved: " + std::string(name->reason));
}

}  // namespace

std::span<const Reserved> file_reserved() noexcept { return of_files; }

void Id::check(std::string_view text, std::span<const Reserved> reserved) {
    if (!well_formed(text) || find_reserved(text, reserved) != nullptr) refuse(text, reserved);
}

Id Id::parse(std::string_view text, std::span<const Reserved> reserved) {
    check(text, reserved);
    return Id(text);
}

std::optional<Id> Id::find(std::string_view text, std::span<const Reserved> reserved) {
    if (!well_formed(text) || find_reserved(text, reserved) != nullptr) return std::nullopt;
    return Id(text);
}

}  // namespace mtdb::tenant
