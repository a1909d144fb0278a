// SPDX-License-Identifier: MIT
#include "engine/url_settings.hpp"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <limits>
#include <map>
#include <optional>
#include <string_view>

#include "base/error.hpp"
#include "base/text.hpp"

namespace mtdb::engine {
namespace {

using Given = std::map<std::string, std::string, std::less<>>;

Error refused(std::string_view key, const std::string& problem) {
    return Error(Code::invalid_argument, "the url's key '" + base::excerpt(key) + "' " + problem);
}

Error refused_value(std::string_view key, const char* takes, std::string_view value) {
    return refused(key, std::string("takes ") + takes + ", not '" + base::excerpt(value) + "'");
}

// Sets an option for a key; its error names the key too.
void set(Options& options, std::string_view key, std::string_view option, std::string_view value) {
    try {
        options.set_text(option, value);
    } catch (const Error& error) {
        throw refused(key, "is refused: " + error.message());
    }
}

// A key's value; nothing when it is not given. What has a value counts for golang-migrate only.
std::optional<std::string_view> value_of(const Given& given, std::string_view key) {
    const auto found = given.find(key);
    if (found == given.end() || (key.starts_with("x-") && found->second.empty())) return std::nullopt;
    return found->second;
}

bool flag_of(const Given& given, std::string_view key) {
    const std::optional<std::string_view> value = value_of(given, key);
    return value && url_flag(key, *value);
}

// ---- durations ----------------------------------------------------------------------------------

constexpr int64_t nanoseconds_max = std::numeric_limits<int64_t>::max() / 2;

struct Unit {
    std::string_view name;
    int64_t nanoseconds;
};
constexpr Unit units[] = {{"ns", 1},       {"us", 1000},      {"\u00B5s", 1000},  {"\u03BCs", 1000},
                          {"ms", 1000000}, {"s", 1000000000}, {"m", 60000000000}, {"h", 3600000000000}};

// Cuts "1.5h" off the text: nanoseconds, or -1 for what is no part of a duration.
int64_t take_part(std::string_view& text) {
    const std::size_t end = std::min(text.find_first_not_of("0123456789."), text.size());
    const std::string_view number = text.substr(0, end);
    text.remove_prefix(end);
    const std::string_view name = text.substr(0, text.find_first_of("0123456789."));
    text.remove_prefix(name.size());
    const Unit* const unit =
        std::find_if(std::begin(units), std::end(units), [name](const Unit& each) { return each.name == name; });
    if (unit == std::end(units) || number.empty() || number == ".") return -1;
    const std::size_t point = std::min(number.find('.'), number.size());
    int64_t total = 0;
    for (const char digit : number.substr(0, point)) {
        total = total * 10 + (digit - '0');
        if (total > nanoseconds_max / unit->nanoseconds) return -1;
    }
    total *= unit->nanoseconds;
    int64_t scale = unit->nanoseconds;
    for (const char digit : number.substr(std::min(point + 1, number.size()))) {
        if (digit == '.') return -1;
        scale /= 10;
        total += scale * (digit - '0');
    }
    return total;
}

// A duration as Go writes it ("2s", "500ms", "1m30s", "0"), in milliseconds; a part of one counts as one.
std::string milliseconds_of(std::string_view key, std::string_view value) {
    if (value == "0") return "0";
    constexpr int64_t millisecond = 1000000;
    std::string_view text = value;
    int64_t total = 0;
    do {
        const int64_t part = take_part(text);
        if (part < 0 || part > nanoseconds_max - total)
            throw refused_value(key, "a duration with its unit such as 2s or 500ms", value);
        total += part;
    } while (!text.empty());
    return std::to_string((total + millisecond - 1) / millisecond);
}

// ---- gorm-multitenancy --------------------------------------------------------------------------

constexpr std::string_view gmt_keys[] = {"gmt_disable_retry", "gmt_max_retries", "gmt_retry_interval",
                                         "gmt_retry_max_interval"};

// Its numbers are values here, not floors.
void apply_gmt(Options& options, const Given& given) {
    if (const auto retries = value_of(given, "gmt_max_retries")) set(options, "gmt_max_retries", "retry.max", *retries);
    if (flag_of(given, "gmt_disable_retry")) options.set_integer("retry.max", 0);
    for (const auto& [key, option] : {std::pair("gmt_retry_interval", "retry.interval_ms"),
                                      std::pair("gmt_retry_max_interval", "retry.interval_max_ms")})
        if (const auto value = value_of(given, key)) set(options, key, option, milliseconds_of(key, *value));
}

// ---- golang-migrate -----------------------------------------------------------------------------

constexpr std::string_view x_keys[] = {
    "x-migrations-table", "x-migrations-table-quoted", "x-statement-timeout", "x-tls-ca", "x-tls-cert",
    "x-tls-key",          "x-tls-insecure-skip-verify",  "x-multi-statement",   "x-no-tx-wrap"};

// What has no equal: `only` is the one value that says what is done here anyway; "false" stands for every way to
// spell that.
struct NoEqual {
    std::string_view key;
    std::string_view only;
    const char* reason;
};
constexpr NoEqual no_equals[] = {
    {"x-multi-statement-max-size", {}, "a statement of a script has no bound of its own"},
    {"x-lock-strategy", "advisory", "the lock of a tenant's migrations is the server's own"},
    {"x-lock-table", {}, "the lock of a tenant's migrations is the server's own, no table"},
    {"x-no-lock", "false", "a migration always takes its tenant's lock"},
};

void check_no_equals(const Given& given) {
    for (const NoEqual& each : no_equals) {
        const auto value = value_of(given, each.key);
        if (!value) continue;
        if (each.only == "false" ? !flag_of(given, each.key) : !each.only.empty() && *value == each.only) continue;
        std::string problem = "has no equal: ";
        problem += each.reason;
        throw refused(each.key, problem);
    }
}

// With x-migrations-table-quoted the name is in quotes, and may have a schema in front.
std::string table_of(std::string_view key, std::string_view value, bool quoted) {
    if (!quoted) return std::string(value);
    if (value.size() < 3 || value.front() != '"' || value.back() != '"')
        throw refused(key, "takes a name in double quotes, because x-migrations-table-quoted is set");
    const std::string_view name = value.substr(1, value.size() - 2);
    if (name.find("\".\"") != std::string_view::npos)
        throw refused(key, "names a schema, but a tenant's history is in the tenant's own");
    if (name.find('"') != std::string_view::npos) throw refused(key, "has a double quote inside of its name");
    return std::string(name);
}

void apply_tls(Options& options, const Given& given) {
    const auto ca = value_of(given, "x-tls-ca");
    const auto cert = value_of(given, "x-tls-cert");
    const auto key = value_of(given, "x-tls-key");
    const bool skip = flag_of(given, "x-tls-insecure-skip-verify");
    if (cert.has_value() != key.has_value())
        throw refused(cert ? "x-tls-cert" : "x-tls-key",
                      std::string("is given without '") + (cert ? "x-tls-key" : "x-tls-cert") + "'");
    if (!ca && !cert && !skip) return;
    options.set_text("tls.mode", skip ? "require" : "verify-full");
    if (ca) set(options, "x-tls-ca", "tls.ca", *ca);
    if (cert) set(options, "x-tls-cert", "tls.cert", *cert);
    if (key) set(options, "x-tls-key", "tls.key", *key);
}

void apply_golang_migrate(Options& options, const Given& given) {
    check_no_equals(given);
    const bool quoted = flag_of(given, "x-migrations-table-quoted");
    if (const auto table = value_of(given, "x-migrations-table"))
        set(options, "x-migrations-table", "migrate.table", table_of("x-migrations-table", *table, quoted));
    if (const auto timeout = value_of(given, "x-statement-timeout"))
        set(options, "x-statement-timeout", "query_timeout_ms", *timeout);
    if (value_of(given, "x-multi-statement"))
        options.set_boolean("migrate.mixed", flag_of(given, "x-multi-statement"));
    if (value_of(given, "x-no-tx-wrap")) options.set_boolean("migrate.transaction", !flag_of(given, "x-no-tx-wrap"));
    apply_tls(options, given);
}

// ---- our own ------------------------------------------------------------------------------------

constexpr std::string_view own_prefix = "mtdb_";
constexpr std::string_view passwords[] = {"password", "password_file", "password_env"};

// Where a password is from is one choice: the program's stands, whatever way it took.
bool is_outvoted(const Options& own, std::string_view option) {
    return std::ranges::find(passwords, option) != std::end(passwords) &&
           std::ranges::any_of(passwords, [&own](std::string_view each) { return own.has(each); });
}

bool is_known(std::string_view key) {
    return key.starts_with(own_prefix) || std::ranges::find(gmt_keys, key) != std::end(gmt_keys) ||
           std::ranges::find(x_keys, key) != std::end(x_keys) ||
           std::ranges::any_of(no_equals, [key](const NoEqual& each) { return each.key == key; });
}

}  // namespace

bool url_flag(std::string_view key, std::string_view value) {
    for (const std::string_view yes : {"1", "t", "T", "true", "TRUE", "True"})
        if (value == yes) return true;
    for (const std::string_view no : {"0", "f", "F", "false", "FALSE", "False"})
        if (value == no) return false;
    throw refused_value(key, "true or false", value);
}

Options with_url_settings(const Options& own, const std::vector<std::pair<std::string, std::string>>& settings) {
    Given given;
    for (const auto& [key, value] : settings) {
        if (!is_known(key))
            throw Error(Code::invalid_argument, "the url has the unknown key '" + base::excerpt(key) + "'");
        given.insert_or_assign(key, value);
    }
    Options merged;
    apply_gmt(merged, given);
    apply_golang_migrate(merged, given);
    for (const auto& [key, value] : given) {
        if (!key.starts_with(own_prefix)) continue;
        const std::string_view option = std::string_view(key).substr(own_prefix.size());
        if (!is_outvoted(own, option)) set(merged, key, option, value);
    }
    merged.add(own);
    return merged;
}

}  // namespace mtdb::engine
