// SPDX-License-Identifier: MIT
#include "control/quiesce.hpp"

#include <sys/random.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <ctime>

#include "base/text.hpp"

namespace mtdb::control {
namespace {

constexpr int64_t minute_ms = 60'000;
constexpr int64_t ttl_default_ms = 30 * minute_ms;
constexpr int64_t ttl_max_ms = 120 * minute_ms;
constexpr std::size_t scope_max = 128;
constexpr int64_t principal_max = 255;  // characters, as the column has it
constexpr std::string_view tenant_prefix = "tenant:";

bool name_character(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
           c == '.';
}

bool contains(const std::vector<std::string>& list, std::string_view text) noexcept {
    return std::find(list.begin(), list.end(), text) != list.end();
}

std::string quoted(std::string_view text) { return "'" + base::excerpt(text) + "'"; }

Error not_set(const std::optional<Flag>& present) {
    return Error(Code::not_found, present ? "the flag of scope " + quoted(present->scope) + " is cleared already"
                                          : "no flag is set in this scope");
}

}  // namespace

const char* name_of(FlagState state) noexcept {
    switch (state) {
        case FlagState::none:
            return "none";
        case FlagState::active:
            return "active";
        case FlagState::expired:
            return "expired";
        case FlagState::cleared:
            return "cleared";
    }
    return "";
}

// The moment of expiry itself counts as released.
FlagState state_of(const Flag& flag, Micros now) noexcept {
    if (flag.cleared_at) return FlagState::cleared;
    return flag.expires_at == no_end || now < flag.expires_at ? FlagState::active : FlagState::expired;
}

FlagState state_of(const std::optional<Flag>& flag, Micros now) noexcept {
    return flag ? state_of(*flag, now) : FlagState::none;
}

Ttl ttl_of(int64_t asked_ms) {
    if (asked_ms < 0)
        throw Error(Code::invalid_argument, "ttl_ms is " + std::to_string(asked_ms) + ": take 0 or more");
    if (asked_ms == 0) return {ttl_default_ms, false};
    return {std::min(asked_ms, ttl_max_ms), asked_ms > ttl_max_ms};
}

std::string scope_of(std::string_view text) {
    if (text.empty() || text == global_scope) return std::string(global_scope);
    const std::size_t colon = std::min(text.find(':'), text.size());
    const std::string_view kind = text.substr(0, colon);
    const std::string_view name = colon == text.size() ? std::string_view() : text.substr(colon + 1);
    const bool known = kind == "server" || kind == "group" || kind == "tenant";
    if (!known || name.empty() || text.size() > scope_max || !std::all_of(name.begin(), name.end(), name_character))
        throw Error(Code::invalid_argument, "no scope " + quoted(text) +
                                                ": global, or server:NAME, group:NAME, tenant:NAME of at most 128 "
                                                "letters, digits, '_', '-', '.'");
    return std::string(text);
}

std::string_view tenant_of(std::string_view scope) noexcept {
    return scope.starts_with(tenant_prefix) ? scope.substr(tenant_prefix.size()) : std::string_view();
}

void check_principal(std::string_view by) {
    const auto characters =
        std::count_if(by.begin(), by.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; });
    if (characters > principal_max)
        throw Error(Code::invalid_argument, "by has " + std::to_string(characters) + " characters: at most 255");
}

std::string new_token() {
    unsigned char bytes[16];
    std::size_t got = 0;
    while (got < sizeof bytes) {
        const ssize_t more = getrandom(bytes + got, sizeof bytes - got, 0);
        if (more < 0 && errno != EINTR) throw Error(Code::io, "the system gives no random bytes");
        if (more > 0) got += static_cast<std::size_t>(more);
    }
    std::string token;
    for (const unsigned char byte : bytes) {
        token += "0123456789abcdef"[byte >> 4];
        token += "0123456789abcdef"[byte & 15];
    }
    return token;
}

void check_set(const std::optional<Flag>& present, Micros now, bool force) {
    if (!force && state_of(present, now) == FlagState::active) throw Error(Code::exists, describe(*present));
}

void check_renew(const std::optional<Flag>& present, Micros now, std::string_view token) {
    const FlagState state = state_of(present, now);
    if (state == FlagState::none || state == FlagState::cleared) throw not_set(present);
    if (token.empty() || present->token != token)
        throw Error(Code::permission, "not the owner's token: " + describe(*present));
    if (state == FlagState::expired)
        throw Error(Code::invalid_state, "the flag of scope " + quoted(present->scope) + " expired at " +
                                             time_text(present->expires_at) + ": set it anew");
}

void check_clear(const std::optional<Flag>& present, Micros now, std::string_view token, bool force) {
    const FlagState state = state_of(present, now);
    if (state == FlagState::none || state == FlagState::cleared) throw not_set(present);
    if (state == FlagState::expired || force) return;
    if (token.empty() || present->token != token)
        throw Error(Code::permission, "not the owner's token: " + describe(*present));
}

std::string time_text(Micros time) {
    if (time == no_end) return "never";
    constexpr Micros second = 1'000'000;
    Micros rest = time % second;
    auto seconds = static_cast<std::time_t>(time / second);
    if (rest < 0) {
        rest += second;
        --seconds;
    }
    std::tm parts{};
    char text[64];
    if (gmtime_r(&seconds, &parts) == nullptr || std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts) == 0)
        return "never";
    std::string digits = std::to_string(rest);
    digits.insert(0, 6 - digits.size(), '0');
    return text + ("." + digits) + "000Z";
}

std::string describe(const Flag& flag) {
    std::string text = "scope " + quoted(flag.scope) + " is quiesced by " + quoted(flag.set_by);
    if (!flag.reason.empty()) text += " (" + base::excerpt(flag.reason) + ")";
    return text + (flag.expires_at == no_end ? std::string(" without end") : " until " + time_text(flag.expires_at));
}

std::string mark_of(const Flag& flag) { return flag.scope + "@" + std::to_string(flag.set_at); }

bool obeys(const Announcement& process, std::string_view scope) noexcept {
    return scope == global_scope || !tenant_of(scope).empty() || contains(process.scopes, scope);
}

bool parked_for(const Announcement& process, const Flag& flag) noexcept {
    return contains(process.parked, mark_of(flag));
}

const Flag* Snapshot::find(std::string_view scope) const noexcept {
    for (const Flag& flag : flags)
        if (flag.scope == scope) return &flag;
    return nullptr;
}

}  // namespace mtdb::control
