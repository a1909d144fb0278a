// SPDX-License-Identifier: MIT
#include "engine/driver_url.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <iterator>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/text.hpp"
#include "engine/url_settings.hpp"

namespace mtdb::engine {
namespace {

enum class Family { sqlite, postgres, mysql, echo };
struct Scheme {
    std::string_view name;
    Family kind;
};
// As golang-migrate names them; mariadb and echo are ours.
constexpr Scheme schemes[] = {
    {"sqlite3", Family::sqlite},      {"sqlite", Family::sqlite}, {"postgres", Family::postgres},
    {"postgresql", Family::postgres}, {"pgx", Family::postgres},  {"pgx4", Family::postgres},
    {"pgx5", Family::postgres},       {"mysql", Family::mysql},   {"mariadb", Family::mysql},
    {"echo", Family::echo},
};

const Scheme* find(std::string_view name) noexcept {
    const auto found = std::ranges::find(schemes, name, &Scheme::name);
    return found == std::end(schemes) ? nullptr : found;
}

using Pairs = std::vector<std::pair<std::string, std::string>>;

Error refused(std::string_view key, const std::string& problem) {
    return Error(Code::invalid_argument, "the url's key '" + base::excerpt(key) + "' " + problem);
}

// "a=b&c=d", decoded.
Pairs pairs_of(std::string_view query) {
    Pairs pairs;
    while (!query.empty()) {
        const std::string_view pair = query.substr(0, query.find('&'));
        query.remove_prefix(std::min(pair.size() + 1, query.size()));
        const std::size_t equals = std::min(pair.find('='), pair.size());
        if (pair.empty()) continue;
        pairs.emplace_back(
            db::percent_decoded(pair.substr(0, equals), true),
            db::percent_decoded(pair.substr(std::min(equals + 1, pair.size())), true));
    }
    return pairs;
}

// ---- golang-migrate's own keys
// --------------------------------------------------------------------

void set(Options& options, std::string_view key, std::string_view option, std::string_view value) {
    try {
        options.set_text(option, value);
    } catch (const Error& error) {
        throw refused(key, "is refused: " + error.message());
    }
}

void set_flag(Options& options, std::string_view key, std::string_view option,
              std::string_view value) {
    options.set_boolean(option, url_flag(key, value));
}

// Only those that this driver has in golang-migrate are read; of the others none is an error there
// either.
void apply(Options& options, Family kind, std::string_view key, const std::string& value) {
    if (value.empty()) return;
    const bool server = kind == Family::postgres || kind == Family::mysql;
    if (key == "x-migrations-table") set(options, key, "driver.table", value);
    if (key == "x-no-lock" && url_flag(key, value)) options.set_text("driver.lock", "none");
    if (key == "x-statement-timeout" && server)
        set(options, key, "driver.statement_timeout_ms", value);
    if (key == "x-no-tx-wrap" && kind == Family::sqlite)
        set_flag(options, key, "driver.no_tx_wrap", value);
    if (kind != Family::postgres) return;
    if (key == "x-migrations-table-quoted") set_flag(options, key, "driver.table_quoted", value);
    if (key == "x-multi-statement") set_flag(options, key, "driver.multi_statement", value);
    if (key == "x-multi-statement-max-size" && value != "0" && value.front() != '-')
        set(options, key, "driver.statement_size_max_bytes", value);
    if (key == "x-lock-strategy") set(options, key, "driver.lock", value);
    if (key == "x-lock-table") set(options, key, "driver.lock_table", value);
}

Options merged(Family kind, const Pairs& settings, Options defaults, const Options& own) {
    Pairs of_db;
    for (const auto& [key, value] : settings) {
        if (!key.starts_with("x-") || (kind == Family::mysql && key.starts_with("x-tls-")))
            of_db.emplace_back(key, value);
        else
            apply(defaults, kind, key, value);
    }
    defaults.add(with_url_settings(own, of_db));
    return defaults;
}

// ---- sqlite
// ---------------------------------------------------------------------------------------

// mattn's driver for SQLite has keys of its own; two of them change what a migration does.
void apply_sqlite(Options& options, std::string_view key, std::string_view value) {
    if (key == "_foreign_keys" || key == "_fk")
        options.set_boolean("sqlite.foreign_keys",
                            value == "on" || value == "yes" ||
                                (value != "off" && value != "no" && url_flag(key, value)));
    else if (key == "_journal_mode" || key == "_journal")
        set(options, key, "sqlite.journal", base::lower(value));
    else if (key != "_busy_timeout" && key != "_timeout" && key != "_loc" && key != "_mutex")
        throw refused(key, "has no equal here");
}

// Through links, as SQLite itself would open it; what does not exist yet stays as it is.
std::string real_path(const std::string& path) {
    const std::unique_ptr<char, decltype(&std::free)> real(realpath(path.c_str(), nullptr),
                                                           &std::free);
    return real ? std::string(real.get()) : path;
}

DriverTarget sqlite_target(const DriverScheme& scheme, const Options& own) {
    std::string_view rest = std::string_view(scheme.url).substr(scheme.name.size() + 1);
    if (rest.starts_with("//")) rest.remove_prefix(2);
    // Only behind "file:" is a % more than a character, because only there SQLite reads one.
    const bool uri = rest.starts_with("file:");
    if (uri) rest.remove_prefix(5);
    if (uri && rest.starts_with("//")) rest.remove_prefix(2);
    const std::size_t question = std::min(rest.find('?'), rest.size());
    std::string path(rest.substr(0, question));
    if (uri) path = db::percent_decoded(path);
    if (path.empty()) throw Error(Code::invalid_argument, "the sqlite url names no file");
    Options defaults;  // what golang-migrate's users have, unless they ask for something else
    defaults.set_boolean("sqlite.foreign_keys", false);
    defaults.set_text("sqlite.journal", "delete");
    Pairs ours;
    for (auto& [key, value] : pairs_of(rest.substr(std::min(question + 1, rest.size())))) {
        if (key.starts_with("x-") || key.starts_with("mtdb_"))
            ours.emplace_back(std::move(key), std::move(value));
        else
            apply_sqlite(defaults, key, value);
    }
    DriverTarget target;
    target.options = merged(Family::sqlite, ours, std::move(defaults), own);
    target.creates_place = true;
    if (path == ":memory:") {
        target.url = {"sqlite", ":memory:"};
        target.place.path = "main";
        return target;
    }
    path = real_path(path);
    const std::size_t slash = path.rfind('/');
    target.place.path = path.substr(slash == std::string::npos ? 0 : slash + 1);
    target.url = {"sqlite", slash == std::string::npos ? "."
                            : slash == 0               ? "/"
                                                       : path.substr(0, slash)};
    return target;
}

// ---- servers
// --------------------------------------------------------------------------------------

constexpr std::string_view libpq_keys[] = {"host",
                                           "hostaddr",
                                           "port",
                                           "dbname",
                                           "user",
                                           "password",
                                           "passfile",
                                           "require_auth",
                                           "channel_binding",
                                           "connect_timeout",
                                           "client_encoding",
                                           "application_name",
                                           "fallback_application_name",
                                           "keepalives",
                                           "keepalives_idle",
                                           "keepalives_interval",
                                           "keepalives_count",
                                           "tcp_user_timeout",
                                           "replication",
                                           "gssencmode",
                                           "sslmode",
                                           "requiressl",
                                           "sslcompression",
                                           "sslcert",
                                           "sslkey",
                                           "sslpassword",
                                           "sslcertmode",
                                           "sslrootcert",
                                           "sslcrl",
                                           "sslcrldir",
                                           "sslsni",
                                           "requirepeer",
                                           "ssl_min_protocol_version",
                                           "ssl_max_protocol_version",
                                           "krbsrvname",
                                           "gsslib",
                                           "gssdelegation",
                                           "service",
                                           "target_session_attrs",
                                           "load_balance_hosts"};
// Of Go's clients alone; nothing here depends on them.
constexpr std::string_view go_keys[] = {
    "binary_parameters",        "disable_prepared_binary_result",
    "default_query_exec_mode",  "statement_cache_capacity",
    "statement_cache_mode",     "description_cache_capacity",
    "pool_max_conns",           "pool_min_conns",
    "pool_max_conn_lifetime",   "pool_max_conn_idle_time",
    "pool_health_check_period", "pool_max_conn_lifetime_jitter"};

bool is_one_of(std::string_view key, std::span<const std::string_view> keys) {
    return std::ranges::find(keys, key) != keys.end();
}

// A setting for the server's start-up: libpq cuts `options` at blanks.
std::string start_option(std::string_view key, std::string_view value) {
    std::string option = " -c ";
    for (const std::string_view part : {key, std::string_view("="), value}) {
        for (const char c : part) {
            if (c == ' ' || c == '\\') option += '\\';
            option += c;
        }
    }
    return option;
}

// Go's clients take every key that they do not know for a setting of the session, search_path above
// all.
void take_session_settings(db::Url& url) {
    const std::size_t question = url.target.find('?');
    if (question == std::string::npos || !url.target.starts_with("postgres")) return;
    std::string options, kept;
    for (const auto& [key, value] : pairs_of(std::string_view(url.target).substr(question + 1))) {
        if (key == "options")
            options = value + options;
        else if (is_one_of(key, libpq_keys))
            kept += "&" + db::percent_encoded(key) + "=" + db::percent_encoded(value);
        else if (!is_one_of(key, go_keys))
            options += start_option(key, value);
    }
    if (!options.empty()) kept += "&options=" + db::percent_encoded(options);
    url.target.resize(question);
    if (!kept.empty()) url.target += "?" + kept.substr(1);
}

DriverTarget server_target(const DriverScheme& scheme, Family kind, const Options& own) {
    const std::string_view rest = std::string_view(scheme.url).substr(scheme.name.size());
    DriverTarget target;
    target.url =
        db::Url::parse((kind == Family::postgres ? "postgres" : "mysql") + std::string(rest));
    Options defaults;
    if (kind == Family::postgres) {
        take_session_settings(target.url);
        defaults.set_text("tenancy",
                          "server");  // the session stands where its url and its user say
    }
    target.options = merged(kind, std::exchange(target.url.settings, {}), std::move(defaults), own);
    return target;
}

}  // namespace

DriverScheme driver_scheme(std::string_view url) {
    if (url.empty()) throw Error(Code::invalid_argument, "the url is empty");
    if (url.find('\0') != std::string_view::npos)
        throw Error(Code::invalid_argument, "the url has a NUL byte");
    const std::size_t colon = url.find(':');
    if (colon == 0 || colon == std::string_view::npos)
        throw Error(Code::invalid_argument, "the url has no scheme");
    constexpr std::string_view prefix = "mtdb+";
    if (url.starts_with(prefix) && colon > prefix.size()) url.remove_prefix(prefix.size());
    return {base::lower(url.substr(0, url.find(':'))), std::string(url)};
}

std::optional<DriverTarget> driver_target(const DriverScheme& scheme, const Options& own) {
    const Scheme* const found = find(scheme.name);
    if (found == nullptr) return std::nullopt;
    switch (found->kind) {
        case Family::sqlite:
            return sqlite_target(scheme, own);
        case Family::postgres:
        case Family::mysql:
            return server_target(scheme, found->kind, own);
        case Family::echo:
            break;
    }
    DriverTarget target{db::Url::parse(scheme.url), {"echo"}, true, {}};
    target.options = own;
    return target;
}

std::string driver_schemes() {
    std::string names;
    for (const Scheme& each : schemes)
        names += (names.empty() ? "" : ", ") + std::string(each.name);
    return names;
}

bool is_driver_scheme(std::string_view name) noexcept { return find(name) != nullptr; }

}  // namespace mtdb::engine
