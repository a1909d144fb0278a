// SPDX-License-Identifier: MIT
#include "migrate/lock.hpp"

#include <algorithm>
#include <array>
#include <random>

#include "base/checksum.hpp"
#include "base/text.hpp"
#include "db/lexer.hpp"

namespace mtdb::migrate {

namespace {

// The code point at `at`, which moves behind it; a byte that is no UTF-8 stands for itself.
uint32_t code_point(std::string_view text, std::size_t& at) noexcept {
    const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<uint8_t>(text[i]) : uint8_t{0}; };
    const uint32_t lead = byte(at);
    const std::size_t more = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : lead >= 0xC0 ? 1 : 0;
    uint32_t point = more == 0 ? lead : lead & (0x3Fu >> more);
    for (std::size_t i = 1; i <= more; ++i) point = (point << 6) | (byte(at + i) & 0x3Fu);
    at += more + 1;
    return point;
}

std::string doubled(std::string_view name, char quote) {
    std::string out;
    for (const char c : name) out.append(c == quote ? 2 : 1, c);
    return out;
}

std::string literal(std::string_view text) { return "'" + doubled(text, '\'') + "'"; }

constexpr int64_t flyway_base = 77431708279161;
constexpr int64_t own_space = int64_t{1836344418} << 32;    // "mtdb"
constexpr int64_t index_space = int64_t{1836344419} << 32;  // the next

}  // namespace

int32_t java_hash(std::string_view text) noexcept {
    uint32_t hash = 0;
    for (std::size_t at = 0; at < text.size();) {
        uint32_t point = code_point(text, at);
        if (point >= 0x10000) {
            point -= 0x10000;
            hash = 31 * hash + (0xD800u + (point >> 10));
            point = 0xDC00u + (point & 0x3FFu);
        }
        hash = 31 * hash + point;
    }
    return static_cast<int32_t>(hash);
}

int64_t flyway_number(std::string_view schema, std::string_view table) {
    return flyway_base + java_hash("\"" + doubled(schema, '"') + "\".\"" + doubled(table, '"') + "\"");
}

std::string flyway_name(std::string_view database, std::string_view table) {
    std::string place = "`";
    place.append(database).append("`.`").append(table).append("`");
    return "Flyway-" + std::to_string(java_hash(place));
}

uint32_t golang_id(std::span<const std::string_view> parts) noexcept {
    uint32_t crc = 0;
    for (std::size_t i = 0; i < parts.size(); ++i) {
        if (i > 0) crc = base::crc32(std::string_view("\0", 1), crc);
        crc = base::crc32(parts[i], crc);
    }
    return crc * 1486364155u;
}

bool needs_database(const db::LockDialect& dialect, Format format) noexcept {
    return dialect.keys == db::LockDialect::Keys::names || format == Format::golang;
}

std::vector<std::string> tool_keys(const db::LockDialect& dialect, Format format, const LockPlace& place,
                                   std::string_view table) {
    using Keys = db::LockDialect::Keys;
    if (dialect.keys == Keys::none) return {};
    const bool names = dialect.keys == Keys::names;
    if (format == Format::flyway)
        return {names ? literal(flyway_name(place.database, table)) : std::to_string(flyway_number(place.name, table))};
    if (names) {
        const std::string whole = place.database + ":" + std::string(table);
        return {literal(std::to_string(golang_id(std::array<std::string_view, 1>{whole})))};
    }
    std::vector<std::string> keys;
    for (const std::string& database : {place.database, "/" + place.database})
        keys.push_back(std::to_string(golang_id(std::array<std::string_view, 3>{place.name, table, database})));
    return keys;
}

std::string own_key(const db::LockDialect& dialect, const LockPlace& place) {
    if (dialect.keys == db::LockDialect::Keys::numbers) return std::to_string(own_space + base::crc32(place.name));
    constexpr std::string_view digits = "0123456789abcdef";
    std::string hex;
    for (int shift = 60; shift >= 0; shift -= 4) hex += digits[(base::stable_hash64(place.name) >> shift) & 15];
    return literal("mtdb.migrate:" + hex);
}

std::string index_key(const db::LockDialect& dialect) {
    return dialect.keys == db::LockDialect::Keys::numbers ? std::to_string(index_space) : literal("mtdb.index");
}

std::string with_value(std::string_view text, std::string_view name, std::string_view value) {
    std::string out;
    const std::string mark = "{" + std::string(name) + "}";
    for (std::size_t at = text.find(mark); at != std::string_view::npos; at = text.find(mark)) {
        out.append(text.substr(0, at)).append(value);
        text.remove_prefix(at + mark.size());
    }
    return out.append(text);
}

std::string first_words(std::string_view sql) {
    constexpr int words_max = 4;
    const db::Lexis lexis;
    db::Lexer lexer(sql, lexis);
    std::string out;
    for (int i = 0; i < words_max; ++i) {
        const db::Token token = lexer.next();
        if (token.kind != db::Token::Kind::word) break;
        out += (out.empty() ? "" : " ") + base::excerpt(token.text);
    }
    return out;
}

Lock::~Lock() {
    try {
        release();
    } catch (...) {  // NOLINT(bugprone-empty-catch)
    }
}

void Lock::set_format(Format format) {
    if (format == format_) return;
    release();
    keys_.clear();
    format_ = format;
}

void Lock::name_keys(const Wait& wait) {
    if (!keys_.empty()) return;
    LockPlace place{known_.database, known_.name};
    const bool suffices = !place.name.empty() && (!place.database.empty() || !needs_database(dialect_, format_));
    if (!suffices && !dialect_.place_query.empty()) {
        const auto query = connection_.prepare(dialect_.place_query, nullptr, wait);
        if (query->next(wait)) place = {text_of(query->value(0)), text_of(query->value(1))};
        query->reset();
    }
    keys_ = tool_keys(dialect_, format_, place, texts_.table(format_));
    keys_.insert(keys_.begin(), own_key(dialect_, place));
}

bool Lock::try_take(const Wait& wait) {
    name_keys(wait);
    std::string taken_text;
    for (const std::string& key : keys_)
        taken_text += (taken_text.empty() ? "" : " AND ") + with_value(dialect_.try_key, "key", key);
    const std::string text = with_value(with_value(dialect_.try_transaction, "taken", taken_text), "ms",
                                        std::to_string(limits_.timeout.count()));
    const auto query = connection_.prepare(text, nullptr, wait);
    const bool taken = query->next(wait) && truth_of(query->value(0));
    query->reset();
    return taken;
}

bool Lock::try_key(const std::string& key, const Wait& wait) {
    const auto query = connection_.prepare(with_value(dialect_.try_session, "keys", key), nullptr, wait);
    const bool taken = query->next(wait) && truth_of(query->value(0));
    query->reset();
    if (taken) held_.push_back(key);
    return taken;
}

void Lock::give_back(const std::string& key) {
    const auto place = std::ranges::find(held_, key);
    if (place == held_.end()) return;
    held_.erase(place);
    execute(connection_, with_value(dialect_.release_session, "keys", key), {Deadline::in(grace), nullptr, nullptr});
}

void Lock::take_key(const std::string& key, const Wait& wait) {
    for (base::milliseconds pause = pause_min; !try_key(key, wait); pause = longer(pause)) rest(pause, wait);
}

void Lock::take(const Wait& wait) {
    if (!of_session() || !held_.empty()) return;
    name_keys(wait);
    for (base::milliseconds pause = pause_min;; pause = longer(pause)) {
        // All or none: whoever waits for one while it holds another would keep a third from both.
        if (std::ranges::all_of(keys_, [&](const std::string& key) { return try_key(key, wait); })) break;
        release();
        rest(pause, wait);
    }
    if (bounded_ || dialect_.bound_session.empty() || limits_.timeout.count() == 0) return;
    const int64_t ms = limits_.timeout.count();
    execute(connection_,
            with_value(with_value(dialect_.bound_session, "ms", std::to_string(ms)), "s",
                       std::to_string((ms + 999) / 1000)),
            wait);
    bounded_ = true;
}

void Lock::begin_index(const Wait& wait) {
    if (!of_session()) return;
    for (std::size_t i = 1; i < keys_.size(); ++i) give_back(keys_[i]);
    take_key(index_key(dialect_), wait);
}

void Lock::release() {
    while (!held_.empty()) give_back(std::string(held_.back()));
}

std::string Lock::who(std::string_view query) const {
    if (query.empty()) return {};
    const Wait wait{Deadline::in(grace), nullptr, nullptr};
    const auto rows = connection_.prepare(query, nullptr, wait);
    if (!rows->next(wait) || rows->value(0).type == db::Type::null) return {};
    std::string out = "blocked by session " + text_of(rows->value(0));
    if (const std::string user = text_of(rows->value(1)); !user.empty()) out += " of '" + base::excerpt(user) + "'";
    if (const std::string words = first_words(text_of(rows->value(2))); !words.empty()) out += " (" + words + ")";
    rows->reset();
    return out;
}

// Half of it at least.
void Lock::pause(base::milliseconds longest, const Wait& wait) const {
    std::minstd_rand jitter(static_cast<uint32_t>(base::Clock::now().time_since_epoch().count()));
    const int64_t half = longest.count() / 2;
    wait.pause(base::milliseconds(half + static_cast<int64_t>(jitter()) % (half + 1)));
}

void Lock::rest(base::milliseconds longest, const Wait& wait) const {
    pause(longest, wait);
    if (wait.deadline.passed() && !wait.cancelled() && !wait.shut_down()) {
        std::string message = "another process is migrating the tenant";
        try {
            for (std::size_t i = 0; i <= keys_.size() && !dialect_.holder_query.empty(); ++i) {
                const std::string key = i < keys_.size() ? keys_[i] : index_key(dialect_);
                const std::string by = who(with_value(dialect_.holder_query, "keys", key));
                if (by.empty()) continue;
                message += ", " + by;
                break;
            }
        } catch (const Error&) {  // NOLINT(bugprone-empty-catch)
            // It is told without.
        }
        throw Error(Code::migration_locked, message);
    }
    wait.check("the lock of the tenant's migrations");
}

std::string Lock::blocker() const noexcept {
    try {
        const std::string by = who(dialect_.blocker_query);
        return by.empty() ? by : ", " + by;
    } catch (...) {
        return {};
    }
}

bool Lock::may_retry(const Error& error, int64_t tries, const Wait& wait) const {
    if (dialect_.keys == db::LockDialect::Keys::none) return false;
    const bool waited = error.code() == Code::busy;
    if (!waited && error.code() != Code::serialization) return false;
    if (tries < limits_.retries && !wait.over()) {
        base::milliseconds longest = pause_min * 10;
        for (int64_t i = 0; i < tries && longest < retry_pause_max; ++i) longest *= 2;
        pause(std::min(longest, retry_pause_max), wait);
        if (!wait.over()) return true;
    }
    if (!waited) return false;
    throw error.with_code(Code::migration_locked).with_message(error.message() + blocker());
}

}  // namespace mtdb::migrate
