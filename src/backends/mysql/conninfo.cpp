// SPDX-License-Identifier: MIT
#include "backends/mysql/conninfo.hpp"

#include <charconv>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <utility>

#include "base/text.hpp"

namespace mtdb::backends::mysql {
namespace {

constexpr const char* standard_socket = "/run/mysqld/mysqld.sock";

Error invalid(const std::string& problem) { return Error(Code::invalid_argument, "the mysql url " + problem); }

uint16_t port_of(std::string_view text) {
    uint32_t port = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (error != std::errc() || end != text.data() + text.size() || port == 0 || port > 65535)
        throw invalid("has a port that is not a number from 1 to 65535");
    return static_cast<uint16_t>(port);
}

Host host_of(std::string_view text) {
    Host host;
    if (text.starts_with('[')) {
        const std::size_t end = text.find(']');
        if (end == std::string_view::npos) throw invalid("has a [ without a ]");
        host.name = text.substr(1, end - 1);
        text.remove_prefix(end + 1);
        if (!text.empty() && text.front() != ':') throw invalid("has something behind a ]");
        if (!text.empty()) host.port = port_of(text.substr(1));
        return host;
    }
    const std::size_t colon = text.rfind(':');
    host.name = text.substr(0, colon);
    if (colon != std::string_view::npos) host.port = port_of(text.substr(colon + 1));
    if (host.name.empty()) host.name = "127.0.0.1";
    return host;
}

std::vector<Host> hosts_of(std::string_view text) {
    std::vector<Host> hosts;
    while (!text.empty()) {
        const std::size_t comma = text.find(',');
        hosts.push_back(host_of(text.substr(0, comma)));
        text = comma == std::string_view::npos ? std::string_view() : text.substr(comma + 1);
    }
    return hosts;
}

// Seconds, or Go's durations: "500ms", "30s", "1m30s".
std::optional<std::chrono::milliseconds> duration_of(std::string_view text) {
    double total = 0;
    if (text.empty()) return std::nullopt;
    while (!text.empty()) {
        double value = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
        if (error != std::errc() || value < 0) return std::nullopt;
        text.remove_prefix(static_cast<std::size_t>(end - text.data()));
        const std::size_t unit_end = text.find_first_of("0123456789.");
        const std::string_view unit = text.substr(0, unit_end);
        const double scale = unit.empty() || unit == "s" ? 1000.0
                             : unit == "ms"              ? 1.0
                             : unit == "m"               ? 60e3
                             : unit == "h"               ? 3600e3
                             : unit == "us"              ? 1e-3
                                                         : -1.0;
        if (scale < 0) return std::nullopt;
        total += value * scale;
        text = unit_end == std::string_view::npos ? std::string_view() : text.substr(unit_end);
    }
    if (total > 1e12) return std::nullopt;
    return std::chrono::milliseconds(static_cast<int64_t>(total));
}

struct TlsName {
    std::string_view name;
    Tls tls;
};
constexpr TlsName tls_names[] = {
    {"auto", Tls::automatic},
    {"disable", Tls::disable},
    {"disabled", Tls::disable},
    {"false", Tls::disable},
    {"prefer", Tls::prefer},
    {"preferred", Tls::prefer},
    {"require", Tls::require},
    {"required", Tls::require},
    {"skip-verify", Tls::require},
    {"verify-ca", Tls::verify_ca},
    {"verify_ca", Tls::verify_ca},
    {"verify-full", Tls::verify_full},
    {"verify_identity", Tls::verify_full},
    {"true", Tls::verify_full},
};

Tls tls_of(std::string_view key, std::string_view text) {
    const std::string lower = base::lower(text);
    for (const TlsName& each : tls_names)
        if (each.name == lower) return each.tls;
    throw invalid("has a " + std::string(key) +
                  " that is none of disable, prefer, require, verify-ca, verify-full");
}

// Settings of other drivers whose meaning is always so here, or is an option of ours.
constexpr std::string_view accepted[] = {
    "allowNativePasswords",
    "autocommit",
    "charset",
    "checkConnLiveness",
    "clientFoundRows",
    "collation",
    "columnsWithAlias",
    "connectionAttributes",
    "interpolateParams",
    "loc",
    "multiStatements",
    "parseTime",
    "readTimeout",
    "rejectReadOnly",
    "timeTruncate",
    "writeTimeout",
    "maxAllowedPacket",
};

void check_charset(std::string_view value) {
    while (!value.empty()) {
        const std::size_t comma = value.find(',');
        const std::string name = base::lower(value.substr(0, comma));
        if (name == "utf8mb4" || name == "utf8") return;
        value = comma == std::string_view::npos ? std::string_view() : value.substr(comma + 1);
    }
    throw invalid("asks for a charset other than utf8mb4, which is the only one that is spoken");
}

bool set_text(Conninfo& info, std::string_view key, std::string_view value) {
    const std::pair<std::string_view, std::string*> texts[] = {
        {"user", &info.user},
        {"password", &info.password},
        {"dbname", &info.database},
        {"database", &info.database},
        {"socket", &info.socket},
        {"unix_socket", &info.socket},
        {"ssl-ca", &info.tls_ca},
        {"ssl_ca", &info.tls_ca},
        {"sslrootcert", &info.tls_ca},
        {"ssl-cert", &info.tls_cert},
        {"ssl_cert", &info.tls_cert},
        {"sslcert", &info.tls_cert},
        {"ssl-key", &info.tls_key},
        {"ssl_key", &info.tls_key},
        {"sslkey", &info.tls_key},
        {"sql_mode", &info.sql_mode},
        {"application_name", &info.application_name},
        {"program_name", &info.application_name},
    };
    for (const auto& [name, field] : texts) {
        if (name != key) continue;
        *field = value;
        return true;
    }
    return false;
}

void set(Conninfo& info, std::string_view key, std::string_view value) {
    if (set_text(info, key, value)) {
        if (key == "socket" || key == "unix_socket") info.hosts.clear();
        return;
    }
    if (key == "host") {
        const std::vector<Host> named = hosts_of(value);
        const uint16_t port = info.hosts.empty() ? uint16_t{3306} : info.hosts.front().port;
        info.hosts = named;
        for (Host& host : info.hosts)
            if (host.port == 3306) host.port = port;
        info.socket.clear();
    } else if (key == "port") {
        if (info.hosts.empty()) info.hosts.push_back({"127.0.0.1", 3306});
        for (Host& host : info.hosts) host.port = port_of(value);
    } else if (key == "tls" || key == "ssl-mode" || key == "sslmode" || key == "ssl_mode" || key == "sslMode") {
        info.tls = tls_of(key, value);
    } else if (key == "timeout" || key == "connect_timeout") {
        const auto time = duration_of(value);
        if (!time) throw invalid("has a " + std::string(key) + " that is no duration");
        if (time->count() > 0) info.connect_timeout = *time;
    } else if (key == "charset") {
        check_charset(value);
    } else {
        for (const std::string_view each : accepted)
            if (each == key) return;
        throw invalid("has an unknown key '" + base::excerpt(key) + "'");
    }
}

void set_all(Conninfo& info, std::string_view query) {
    while (!query.empty()) {
        const std::size_t end = query.find('&');
        const std::string_view pair = query.substr(0, end);
        query = end == std::string_view::npos ? std::string_view() : query.substr(end + 1);
        if (pair.empty()) continue;
        const std::size_t equals = pair.find('=');
        if (equals == std::string_view::npos)
            throw invalid("has a key without a value: '" + base::excerpt(pair) + "'");
        set(info, db::percent_decoded(pair.substr(0, equals)), db::percent_decoded(pair.substr(equals + 1), true));
    }
}

// Where Go's driver would see "user:password@protocol(address)": it looks from the end, so that a password may
// hold anything.
struct GoForm {
    std::string_view credentials, protocol, address, database;
};
std::optional<GoForm> go_form(std::string_view text, bool has_scheme) {
    const std::size_t slash = text.rfind('/');
    if (slash == std::string_view::npos) return std::nullopt;
    GoForm form;
    form.database = text.substr(slash + 1);
    const std::string_view left = text.substr(0, slash);
    const bool closed = left.ends_with(')');
    if (!closed && has_scheme) return std::nullopt;
    const std::size_t at = left.rfind('@', closed ? left.rfind('(') : std::string_view::npos);
    if (at == std::string_view::npos && !closed) return std::nullopt;
    if (at != std::string_view::npos) form.credentials = left.substr(0, at);
    const std::string_view net = at != std::string_view::npos ? left.substr(at + 1) : left;
    const std::size_t open = net.find('(');
    form.protocol = net.substr(0, open);
    if (closed && open != std::string_view::npos) form.address = net.substr(open + 1, net.size() - open - 2);
    return form;
}

void set_credentials(Conninfo& info, std::string_view text, bool encoded) {
    const std::size_t colon = text.find(':');
    const auto decoded = [&](std::string_view part) {
        return encoded ? db::percent_decoded(part) : std::string(part);
    };
    info.user = decoded(text.substr(0, colon));
    if (colon != std::string_view::npos) info.password = decoded(text.substr(colon + 1));
}

// Where the query begins: behind the "/" that ends the address, because a password and a query may hold both
// characters. The address ends at the first slash behind the last "@" before which no query can have begun.
std::size_t query_of(std::string_view text) {
    if (const std::size_t close = text.find(")/"); close != std::string_view::npos) return text.find('?', close);
    if (text.ends_with(')')) return std::string_view::npos;
    // "key=" behind a question mark is a query; what is before it has the credentials.
    for (std::size_t at = text.find('?'); at != std::string_view::npos; at = text.find('?', at + 1)) {
        const std::string_view rest = text.substr(at + 1);
        const std::size_t name =
            rest.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.%");
        const bool key = name != std::string_view::npos && name > 0 && rest[name] == '=';
        if (key || rest.empty()) return at;
        // An unknown form of query is still one where no "@" follows.
        if (rest.find('@') == std::string_view::npos) return at;
    }
    return std::string_view::npos;
}

// A text that decodes is taken as encoded, as golang-migrate does; else as it stands.
bool decodes(std::string_view text) {
    try {
        db::percent_decoded(text);
        return true;
    } catch (const Error&) {
        return false;
    }
}

void set_go(Conninfo& info, const GoForm& form, bool encoded) {
    set_credentials(info, form.credentials, encoded && decodes(form.credentials));
    info.database =
        encoded && decodes(form.database) ? db::percent_decoded(form.database) : std::string(form.database);
    if (form.protocol == "unix") {
        info.socket = form.address;
        if (info.socket.empty()) throw invalid("has a unix() without a path");
    } else if (form.protocol == "tcp" || form.protocol.empty()) {
        info.hosts = hosts_of(form.address);
        if (info.hosts.empty()) info.hosts.push_back({"127.0.0.1", 3306});
    } else {
        throw invalid("has a protocol other than tcp and unix");
    }
}

}  // namespace

Conninfo Conninfo::parse(std::string_view target) {
    Conninfo info;
    std::string_view text = target;
    bool encoded = false;
    for (const std::string_view scheme : {"mysql://", "mariadb://", "mysqlx://"}) {
        if (!base::equal_fold(text.substr(0, scheme.size()), scheme)) continue;
        text.remove_prefix(scheme.size());
        encoded = true;
        break;
    }
    const std::size_t question = query_of(text);
    const std::string_view query =
        question == std::string_view::npos ? std::string_view() : text.substr(question + 1);
    text = text.substr(0, question);
    // What would be named as a key may be a piece of the password.
    if (query.find('@') != std::string_view::npos && text.find('@') == std::string_view::npos)
        throw invalid("has an @ behind a ?: a password's special characters are percent-encoded");
    if (const auto form = go_form(text, encoded)) {
        set_go(info, *form, encoded);
    } else if (!encoded) {
        throw invalid("is neither mysql://... nor user:password@tcp(host:port)/database");
    } else {
        const std::size_t at = text.rfind('@');
        if (at != std::string_view::npos) set_credentials(info, text.substr(0, at), decodes(text.substr(0, at)));
        const std::string_view rest = at == std::string_view::npos ? text : text.substr(at + 1);
        const std::size_t path = rest.find('/');
        info.hosts = hosts_of(rest.substr(0, path));
        if (path != std::string_view::npos) info.database = db::percent_decoded(rest.substr(path + 1));
    }
    set_all(info, query);
    if (info.hosts.empty() && info.socket.empty()) info.socket = standard_socket;
    return info;
}

Conninfo Conninfo::read(const db::Url& url, const db::Settings& settings) {
    Conninfo info = parse(url.target);
    const std::string password = settings.text("password");
    const std::string file = settings.text("password_file");
    const std::string variable = settings.text("password_env");
    if (!password.empty()) info.password = password;
    if (password.empty() && !file.empty()) info.password_file = file;
    if (password.empty() && file.empty()) info.password_env = variable;
    if (const int64_t time = settings.integer("connect_timeout_ms"); time > 0)
        info.connect_timeout = std::chrono::milliseconds(time);
    if (const std::string name = settings.text("application_name"); !name.empty()) info.application_name = name;
    if (const Tls tls = tls_of("tls.mode", settings.text("tls.mode")); tls != Tls::automatic) info.tls = tls;
    if (const std::string ca = settings.text("tls.ca"); !ca.empty()) info.tls_ca = ca;
    if (const std::string cert = settings.text("tls.cert"); !cert.empty()) info.tls_cert = cert;
    if (const std::string key = settings.text("tls.key"); !key.empty()) info.tls_key = key;
    const std::string zero = settings.text("zero_dates");
    info.zero_dates = zero == "error" ? ZeroDates::error : zero == "text" ? ZeroDates::text : ZeroDates::null;
    return info;
}

Conninfo Conninfo::changed(std::string_view server) const {
    if (server.empty()) return *this;
    Conninfo info = *this;
    if (server.starts_with('?')) {
        const std::string before = info.password;
        set_all(info, server.substr(1));
        if (info.password != before) {
            info.password_file.clear();
            info.password_env.clear();
        }
        return info;
    }
    const Conninfo named = parse(server);
    info.hosts = named.hosts;
    info.socket = named.socket;
    info.user = named.user;
    info.database = named.database;
    if (!named.password.empty()) {
        info.password = named.password;
        info.password_file.clear();
        info.password_env.clear();
    }
    if (named.tls != Tls::automatic) info.tls = named.tls;
    if (!named.tls_ca.empty()) info.tls_ca = named.tls_ca;
    if (!named.tls_cert.empty()) info.tls_cert = named.tls_cert;
    if (!named.tls_key.empty()) info.tls_key = named.tls_key;
    if (!named.sql_mode.empty()) info.sql_mode = named.sql_mode;
    return info;
}

Conninfo Conninfo::only(std::size_t host) const {
    Conninfo info = *this;
    if (host < hosts.size()) info.hosts = {hosts[host]};
    return info;
}

std::string Conninfo::secret() const {
    if (!password_file.empty()) {
        std::ifstream file(password_file, std::ios::binary);
        if (!file) throw Error(Code::auth, "the file of option 'password_file' cannot be read");
        std::string text;
        std::getline(file, text);
        if (text.ends_with('\r')) text.pop_back();
        return text;
    }
    if (!password_env.empty()) {
        const char* const text = std::getenv(password_env.c_str());
        if (text == nullptr)
            throw Error(Code::auth, "there is no environment variable '" + base::excerpt(password_env) +
                                        "', which option 'password_env' names");
        return text;
    }
    return password;
}

std::string Conninfo::where(std::size_t host) const {
    if (host < hosts.size()) {
        const bool six = hosts[host].name.find(':') != std::string::npos;
        return (six ? "[" + hosts[host].name + "]" : hosts[host].name) + ":" + std::to_string(hosts[host].port);
    }
    return "'" + socket + "'";
}

}  // namespace mtdb::backends::mysql
