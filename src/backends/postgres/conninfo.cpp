// SPDX-License-Identifier: MIT
#include "backends/postgres/conninfo.hpp"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <optional>
#include <utility>

#include "backends/postgres/libpq.hpp"
#include "base/error.hpp"
#include "base/text.hpp"
#include "db/url.hpp"

namespace mtdb::backends::postgres {
namespace {

// Why libpq does not take it, where that names a keyword and no value.
std::string reason_of(std::string_view message) {
    for (const std::string_view beginning : {"invalid connection option \"", "invalid URI query parameter: \""})
        if (message.starts_with(beginning)) return ": " + base::excerpt(base::trim(message), 100);
    return {};
}

std::string value_of(const Keywords& keywords, std::string_view key) {
    const auto found = keywords.find(key);
    return found == keywords.end() ? std::string() : found->second;
}

std::vector<std::string> split(std::string_view list) {
    std::vector<std::string> parts;
    for (;;) {
        const std::size_t comma = list.find(',');
        parts.emplace_back(list.substr(0, comma));
        if (comma == list.npos) return parts;
        list.remove_prefix(comma + 1);
    }
}

std::string password_of_file(const std::string& path) {
    std::ifstream file(path);
    std::string line;
    if (!file || !std::getline(file, line))
        throw Error(Code::invalid_argument, "the file of option password_file cannot be read");
    if (line.ends_with('\r')) line.pop_back();
    return line;
}

void set_password(Keywords& keywords, const ConnectOptions& options) {
    if (keywords.contains("password")) return;  // a route's own
    if (!options.password.empty()) {
        keywords["password"] = options.password;
    } else if (!options.password_file.empty()) {
        keywords["password"] = password_of_file(options.password_file);
    } else if (!options.password_env.empty()) {
        const char* const value = std::getenv(options.password_env.c_str());
        if (value == nullptr)
            throw Error(Code::invalid_argument, "the environment variable of option password_env, '" +
                                                    options.password_env + "', is not set");
        keywords["password"] = value;
    }
}

void set_tls(Keywords& keywords, const ConnectOptions& options) {
    if (!options.tls_mode.empty() && options.tls_mode != "auto") keywords["sslmode"] = options.tls_mode;
    if (!options.tls_ca.empty()) keywords["sslrootcert"] = options.tls_ca;
    if (!options.tls_cert.empty()) keywords["sslcert"] = options.tls_cert;
    if (!options.tls_key.empty()) keywords["sslkey"] = options.tls_key;
}

// A server that went away without a word is noticed in seconds, also by a cancel that connects to it.
void set_keepalives(Keywords& keywords) {
    keywords.try_emplace("keepalives_idle", "30");
    keywords.try_emplace("keepalives_interval", "10");
    keywords.try_emplace("keepalives_count", "3");
    keywords.try_emplace("tcp_user_timeout", "15000");
}

// The server applies these before RESET ALL's values are taken: RESET ALL and DISCARD ALL come back to them.
void set_session(Keywords& keywords, Startup startup) {
    keywords["client_encoding"] = "UTF8";
    if (startup == Startup::bare) return;
    std::string options = value_of(keywords, "options");
    if (options.empty())
        if (const char* const given = std::getenv("PGOPTIONS")) options = given;
    if (startup == Startup::parked)
        options += " -c search_path=" + std::string(parking_schema);
    else if (options.find("search_path") == std::string::npos)  // a temporary table must not hide another one
        options += " -c search_path=\"$user\",public,pg_temp";
    options +=
        " -c DateStyle=ISO -c IntervalStyle=postgres -c extra_float_digits=3 -c bytea_output=hex"
        " -c standard_conforming_strings=on";
    keywords["options"] = options;
}

std::string where_of(const Keywords& keywords) {
    std::string host = value_of(keywords, "host");
    if (host.empty()) host = value_of(keywords, "hostaddr");
    if (host.empty()) return "the default server";
    if (const std::string port = value_of(keywords, "port"); !port.empty()) host += ":" + port;
    return "'" + base::excerpt(host, 100) + "'";
}

// libpq tries several hosts in turn too, but without a time limit for each when it must not block.
std::vector<Attempt> split_hosts(const Keywords& keywords) {
    const std::vector<std::string> hosts = split(value_of(keywords, "host"));
    const std::vector<std::string> addresses = split(value_of(keywords, "hostaddr"));
    const std::vector<std::string> ports = split(value_of(keywords, "port"));
    const std::size_t count = std::max(hosts.size(), addresses.size());
    std::vector<Attempt> attempts;
    for (std::size_t i = 0; i < count; ++i) {
        Keywords one = keywords;
        const auto pick = [&](const char* key, const std::vector<std::string>& values) {
            if (!one.contains(key) || values.size() == 1) return;
            if (i >= values.size())
                throw Error(Code::invalid_argument,
                            "the url has fewer values of '" + std::string(key) + "' than hosts");
            one[key] = values[i];
        };
        pick("host", hosts);
        pick("hostaddr", addresses);
        pick("port", ports);
        std::string where = where_of(one);
        attempts.push_back({std::move(one), std::move(where)});
    }
    return attempts;
}

std::optional<int64_t> whole_number(std::string_view text) {
    int64_t value = 0;
    const auto end = std::from_chars(text.data(), text.data() + text.size(), value);
    if (end.ec != std::errc() || end.ptr != text.data() + text.size()) return std::nullopt;
    return value;
}

void apply_overrides(Keywords& keywords, std::string_view query) {
    while (!query.empty()) {
        const std::size_t end = std::min(query.find('&'), query.size());
        const std::string_view pair = query.substr(0, end);
        query.remove_prefix(std::min(end + 1, query.size()));
        if (pair.empty()) continue;
        const std::size_t equal = pair.find('=');
        if (equal == pair.npos) throw Error(Code::invalid_argument, "a setting of the route has no value");
        keywords[db::percent_decoded(pair.substr(0, equal))] = db::percent_decoded(pair.substr(equal + 1));
    }
}

}  // namespace

Keywords parse_target(std::string_view target) {
    const std::string text(target);
    char* message = nullptr;
    const auto free_options = [](PQconninfoOption* options) { libpq().PQconninfoFree(options); };
    const std::unique_ptr<PQconninfoOption, decltype(free_options)> options(
        libpq().PQconninfoParse(text.c_str(), &message), free_options);
    const auto free_message = [](char* memory) { libpq().PQfreemem(memory); };
    const std::unique_ptr<char, decltype(free_message)> owned(message, free_message);
    if (options == nullptr)
        throw Error(Code::invalid_argument,
                    "the postgres url is not one that libpq reads" + reason_of(message == nullptr ? "" : message));
    Keywords keywords;
    for (const PQconninfoOption* option = options.get(); option->keyword != nullptr; ++option)
        if (option->val != nullptr) keywords[option->keyword] = option->val;
    return keywords;
}

Keywords for_server(const Keywords& base, const std::string& server) {
    if (server.empty()) return base;
    if (!server.starts_with('?')) {
        const db::Url url = db::Url::parse(server);
        if (url.scheme != "postgres")
            throw Error(Code::invalid_argument, "the route leads to another kind of database than the db's url");
        return parse_target(url.target);
    }
    Keywords keywords = base;
    apply_overrides(keywords, std::string_view(server).substr(1));
    return keywords;
}

bool ConnectOptions::has_password() const noexcept {
    return !password.empty() || !password_file.empty() || !password_env.empty();
}

ConnectOptions ConnectOptions::read(const db::Settings& settings) {
    ConnectOptions options;
    options.password = settings.text("password");
    options.password_file = settings.text("password_file");
    options.password_env = settings.text("password_env");
    options.application_name = settings.text("application_name");
    options.tls_mode = settings.text("tls.mode");
    options.tls_ca = settings.text("tls.ca");
    options.tls_cert = settings.text("tls.cert");
    options.tls_key = settings.text("tls.key");
    if (const int64_t time = settings.integer("connect_timeout_ms"); time > 0) {
        options.timeout = base::milliseconds(time);
        options.own_timeout = true;
    }
    return options;
}

ConnectPlan plan_connect(Keywords keywords, const ConnectOptions& options, Startup startup) {
    set_password(keywords, options);
    set_tls(keywords, options);
    set_keepalives(keywords);
    set_session(keywords, startup);
    if (!options.application_name.empty()) keywords["application_name"] = options.application_name;
    keywords.try_emplace("fallback_application_name", "mtdb");
    ConnectPlan plan;
    plan.timeout = options.timeout;
    if (const auto seconds = whole_number(value_of(keywords, "connect_timeout"))) {
        if (*seconds > 0 && !options.own_timeout)
            plan.timeout = base::milliseconds(std::min<int64_t>(*seconds, 86'400) * 1000);
        keywords.erase("connect_timeout");
    }
    if (value_of(keywords, "target_session_attrs") != "prefer-standby") {
        plan.attempts = split_hosts(keywords);
        return plan;
    }
    for (const char* wanted : {"standby", "any"}) {
        keywords["target_session_attrs"] = wanted;
        for (Attempt& attempt : split_hosts(keywords)) plan.attempts.push_back(std::move(attempt));
    }
    return plan;
}

}  // namespace mtdb::backends::postgres
