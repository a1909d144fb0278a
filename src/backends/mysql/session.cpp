// SPDX-License-Identifier: MIT
#include "backends/mysql/session.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <thread>

namespace mtdb::backends::mysql {
namespace {

constexpr base::milliseconds grace(5000);
constexpr uint8_t ok_header = 0x00, infile_header = 0xfb, end_header = 0xfe;
constexpr uint64_t gigabyte = uint64_t{1} << 30;
constexpr const char* certificates = "/etc/ssl/certs/ca-certificates.crt";
constexpr uint32_t connection_lost = 2013;

// TLS writes without MSG_NOSIGNAL. A SIGPIPE of this thread's own writes is taken back.
class WithoutSigpipe {
public:
    explicit WithoutSigpipe(bool needed) noexcept : needed_(needed) {
        if (!needed_) return;
        sigset_t pending;
        sigpending(&pending);
        needed_ = sigismember(&pending, SIGPIPE) == 0;
        if (!needed_) return;
        sigemptyset(&pipe_);
        sigaddset(&pipe_, SIGPIPE);
        needed_ = pthread_sigmask(SIG_BLOCK, &pipe_, &before_) == 0;
    }
    WithoutSigpipe(const WithoutSigpipe&) = delete;
    ~WithoutSigpipe() {
        if (!needed_) return;
        const timespec now{0, 0};
        while (sigtimedwait(&pipe_, nullptr, &now) < 0 && errno == EINTR) {
        }
        pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    }

private:
    bool needed_;
    sigset_t pipe_, before_;  // only when needed: they are large
};

void own(int fd) noexcept { fcntl(fd, F_SETFD, FD_CLOEXEC); }

// Of a socket that connects: the library would tell of an error, but not which.
int connected(int fd) noexcept {
    int error = 0;
    socklen_t size = sizeof error;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0 || error == 0) return 1;
    errno = error;
    return -1;
}

}  // namespace

// ---- waiting ------------------------------------------------------------------------------------

// Kills the session's statement through a connection of its own.
struct Operation::Killer {
    enum Outcome { running, delivered, not_sent, unknown };

    explicit Killer(const Session& session)
        : conninfo(std::make_shared<const Conninfo>(session.conninfo().only(session.host()))),
          server(session.server()),
          victim(session.id()) {
        sigset_t all, before;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        try {
            thread = std::thread([this] { run(); });
        } catch (...) {
            outcome = not_sent;
        }
        pthread_sigmask(SIG_SETMASK, &before, nullptr);
    }

    void run() noexcept {
        int result = not_sent;
        try {
            const Wait wait{Deadline::in(grace), nullptr, nullptr};
            Session session(conninfo, {}, wait);
            const Operation operation(session, wait, Kill::never);
            // Behind one address there may be several servers, where the id is somebody else's.
            if (session.server() != server) throw Error(Code::unavailable, "another server answers");
            result = unknown;
            const Reply reply = session.run("KILL QUERY " + std::to_string(victim));
            const bool gone = reply.kind == Reply::Kind::error && !session.broken();  // no such session
            if (reply.kind == Reply::Kind::ok)
                result = delivered;
            else if (gone)
                result = not_sent;
        } catch (...) {  // the statement is then left to the grace
        }
        outcome = result;
    }

    std::shared_ptr<const Conninfo> conninfo;
    std::string server;
    unsigned long victim;
    std::atomic<int> outcome{running};
    std::thread thread;
};

thread_local Operation* Operation::current_ = nullptr;

Operation::Operation(Session& session, const Wait& wait, Kill kill)
    : session_(&session),
      wait_(&wait),
      kill_(kill),
      owned_fd_(session.fd()),
      waker_(&session.waker()),
      outer_(current_) {
    current_ = this;
}

Operation::~Operation() {
    current_ = outer_;
    if (over_ && !settled_ && kill_ == Kill::allowed) session_->set_broken();
    if (killer_ && killer_->thread.joinable()) killer_->thread.join();
}

void Operation::interrupt() noexcept {
    if (over_) return;
    over_ = true;
    grace_ = Deadline::in(kill_ == Kill::allowed ? grace : base::milliseconds(0));
    if (kill_ != Kill::allowed || session_->broken() || !session_->can_kill()) return;
    try {
        killer_ = std::make_unique<Killer>(*session_);
    } catch (...) {  // without memory for it the grace passes
    }
}

void Operation::look() noexcept {
    if (!over_ && wait_->over()) interrupt();
}

int Operation::await(int fd, bool reading) noexcept {
    const short events = reading ? POLLIN : POLLOUT;
    try {
        if (owned_fd_ != fd) {
            own(fd);
            owned_fd_ = fd;
        }
        if (!over_) {
            if (waker_->poll(fd, events, *wait_)) return session_->fd() == fd || reading ? 1 : connected(fd);
            interrupt();
        }
        if (kill_ == Kill::allowed && waker_->poll(fd, events, Wait{grace_, nullptr, nullptr})) return 1;
    } catch (...) {
    }
    errno = ETIMEDOUT;
    return -1;
}

int Operation::on_wait(my_socket fd, my_bool reading, int) noexcept {
    if (current_ != nullptr) return current_->await(fd, reading != 0);
    errno = ETIMEDOUT;  // a farewell nobody waits for
    return -1;
}

void Operation::settle() noexcept {
    if (!over_ || settled_) return;
    settled_ = true;
    if (kill_ != Kill::allowed) return;
    if (!killer_) return;  // nothing was sent
    if (killer_->thread.joinable()) killer_->thread.join();
    const int outcome = killer_->outcome;
    killer_.reset();
    if (outcome == Killer::unknown) return session_->set_broken();
    if (outcome != Killer::delivered || session_->broken()) return;
    // The kill is in the session. If it came too late for the statement, it hits the next one: this.
    grace_ = Deadline::in(grace);
    session_->probe();
}

// ---- connecting ---------------------------------------------------------------------------------

Session::Session(std::shared_ptr<const Conninfo> conninfo, const std::string& database, const Wait& wait)
    : conninfo_(std::move(conninfo)) {
    try {
        connect(database, wait);
        const Operation operation(*this, wait, Operation::Kill::never);
        set_up();
    } catch (const std::exception&) {
        if (mysql_ != nullptr) library().close(mysql_);
        // What a wait that is over makes of the set-up is told by the library as a lost connection.
        if (wait.over()) throw wait.error("a connection to the server");
        throw;
    }
}

Session::~Session() {
    const WithoutSigpipe quiet(encrypted_);
    if (mysql_ != nullptr) library().close(mysql_);
}

void Session::connect(const std::string& database, const Wait& wait) {
    const Wait bounded{wait.deadline.earlier(Deadline::in(conninfo_->connect_timeout)), wait.cancel, wait.shutdown};
    const std::size_t hosts = std::max<std::size_t>(conninfo_->hosts.size(), 1);
    const Tls tls = conninfo_->tls;
    const bool automatic = tls == Tls::automatic || tls == Tls::prefer;
    const bool local = conninfo_->hosts.empty();
    const bool tried = tls != Tls::disable && !(local && automatic);
    std::optional<Error> first;
    for (std::size_t host = 0; host < hosts; ++host) {
        if (connect_to(host, database, tried, bounded)) return;
        // Preferred, and the server has none.
        const bool plain = tried && automatic && said_.number == 2026 &&
                           said_.message.find("does not support") != std::string::npos;
        if (plain && connect_to(host, database, false, bounded)) return;
        if (wait.over()) throw wait.error("a connection to the server");
        Error error = connect_error(said_, conninfo_->where(host));
        if (said_.number == 1045 && !tried && !local)
            error =
                error.with_message("cannot connect to " + conninfo_->where(host) +
                                   ": the user or the password is wrong, or the server demands secure transport");
        if (bounded.over()) {
            error = Error(Code::unavailable,
                          "cannot connect to " + conninfo_->where(host) + ": no answer within connect_timeout_ms");
        }
        // Another host does not know the password any better.
        const bool hopeless =
            error.code() == Code::auth || error.code() == Code::tenant_unknown || error.code() == Code::permission;
        if (hopeless || !first) first = error;
        if (hopeless || bounded.over()) break;
    }
    throw *first;
}

void Session::set_options(bool encrypted) {
    const Library& lib = library();
    const Conninfo& info = *conninfo_;
    const auto timeout =
        static_cast<unsigned int>(std::clamp<int64_t>((info.connect_timeout.count() + 999) / 1000, 1, 86400));
    const unsigned int none = 0;
    const my_bool no = 0;
    const my_bool yes = 1;
    const unsigned long packets = gigabyte;
    const unsigned int protocol = info.hosts.empty() ? MYSQL_PROTOCOL_SOCKET : MYSQL_PROTOCOL_TCP;
    lib.options(mysql_, MYSQL_OPT_CONNECT_TIMEOUT, &timeout);
    lib.options(mysql_, MYSQL_SET_CHARSET_NAME, "utf8mb4");
    lib.options(mysql_, MYSQL_OPT_LOCAL_INFILE, &none);
    lib.options(mysql_, MYSQL_OPT_RECONNECT, &no);
    lib.options(mysql_, MYSQL_OPT_PROTOCOL, &protocol);
    lib.options(mysql_, MYSQL_OPT_MAX_ALLOWED_PACKET, &packets);
    if (!info.application_name.empty())
        lib.options4(mysql_, MYSQL_OPT_CONNECT_ATTR_ADD, "program_name", info.application_name.c_str());
    lib.options(mysql_, MARIADB_OPT_IO_WAIT, reinterpret_cast<const void*>(&Operation::on_wait));
    if (!encrypted) return;
    lib.options(mysql_, MYSQL_OPT_SSL_ENFORCE, &yes);
    const bool verified = info.tls == Tls::verify_ca || info.tls == Tls::verify_full;
    if (verified) {
        lib.options(mysql_, MYSQL_OPT_SSL_CA, info.tls_ca.empty() ? certificates : info.tls_ca.c_str());
        lib.options(mysql_, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, info.tls == Tls::verify_full ? &yes : &no);
    } else {
        lib.options(mysql_, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &no);
    }
    if (!info.tls_cert.empty()) lib.options(mysql_, MYSQL_OPT_SSL_CERT, info.tls_cert.c_str());
    if (!info.tls_key.empty()) lib.options(mysql_, MYSQL_OPT_SSL_KEY, info.tls_key.c_str());
}

bool Session::connect_to(std::size_t host, const std::string& database, bool encrypted, const Wait& wait) {
    const Library& lib = library();
    if (mysql_ != nullptr) lib.close(mysql_);
    mysql_ = lib.init(nullptr);
    if (mysql_ == nullptr) throw std::bad_alloc();
    set_options(encrypted);
    const Conninfo& info = *conninfo_;
    const std::string secret = info.secret();
    const Operation operation(*this, wait, Operation::Kill::never);
    const WithoutSigpipe quiet(encrypted);
    const bool local = host >= info.hosts.size();
    MYSQL* const connected =
        lib.real_connect(mysql_, local ? nullptr : info.hosts[host].name.c_str(), info.user.c_str(), secret.c_str(),
                         database.empty() ? nullptr : database.c_str(), local ? 0 : info.hosts[host].port,
                         local ? info.socket.c_str() : nullptr, CLIENT_FOUND_ROWS);
    if (connected == nullptr) {
        said_ = {lib.error_number(mysql_), lib.sqlstate(mysql_), lib.error_text(mysql_)};
        return false;
    }
    encrypted_ = encrypted;
    fd_ = static_cast<int>(lib.socket(mysql_));
    own(fd_);
    fcntl(fd_, F_SETFL, fcntl(fd_, F_GETFL) | O_NONBLOCK);  // so that TLS, too, waits where we wait
    id_ = lib.thread_id(mysql_);
    mariadb_ = lib.is_mariadb(mysql_) != 0;
    direct_ = bulk_ = mariadb_ && lib.server_version(mysql_) >= 100200;
    host_ = host;
    tracks_ = (mysql_->server_capabilities & CLIENT_SESSION_TRACKING) != 0;
    status_ = mysql_->server_status;
    return true;
}

// The server's mode without what changes where a text is quoted: by that placeholders and statements are found.
std::string quoting_mode(std::string_view mode) {
    std::string out;
    while (!mode.empty()) {
        const std::size_t comma = mode.find(',');
        const std::string_view part = mode.substr(0, comma);
        mode = comma == std::string_view::npos ? std::string_view() : mode.substr(comma + 1);
        if (part == "ANSI_QUOTES" || part == "NO_BACKSLASH_ESCAPES") continue;
        if (!out.empty()) out += ',';
        out += part;
    }
    return out;
}

void Session::set_up() {
    std::vector<std::vector<std::string>> rows;
    std::string query =
        "SELECT "
        "@@max_allowed_packet,@@lower_case_table_names,@@sql_mode,CONCAT_WS(':',@@hostname,@@port,@@datadir),"
        "CONNECTION_ID()";
    if (mariadb_) query += ",CURRENT_ROLE()";
    const Reply facts = select(query, rows);
    if (facts.kind != Reply::Kind::rows || rows.empty()) throw connect_error(facts.error, conninfo_->where());
    const std::vector<std::string>& row = rows.front();
    packet_max_ = std::min<uint64_t>(std::strtoull(row[0].c_str(), nullptr, 10), gigabyte);
    folds_names_ = row[1] != "0";
    server_ = row[3];
    can_kill_ = row[4] == std::to_string(id_);
    if (mariadb_) role_ = row[5];
    setup_ = "SET NAMES utf8mb4,@@session.time_zone='+00:00',@@session.autocommit=1,@@session.sql_mode=X'";
    for (const char c : conninfo_->sql_mode.empty() ? quoting_mode(row[2]) : conninfo_->sql_mode) {
        setup_ += "0123456789abcdef"[static_cast<uint8_t>(c) >> 4];
        setup_ += "0123456789abcdef"[static_cast<uint8_t>(c) & 15];
    }
    setup_ += '\'';
    const Reply set = run(setup_);
    if (set.kind != Reply::Kind::ok) throw connect_error(set.error, conninfo_->where());
}

// A reset of the protocol leaves the count of FOUND_ROWS() and, on MariaDB, the role: a query makes the count its
// own and tells the role.
void Session::send_reset() noexcept {
    send(Command::reset_connection, {});
    send(Command::query, setup_);
    send(Command::query, mariadb_ ? "SELECT CURRENT_ROLE()" : "SELECT 1");
}

bool Session::read_reset() {
    const Reply reset = read_reply();
    const Reply set = read_reply();
    std::vector<std::vector<std::string>> rows;
    const Reply selected = read_selected(rows);
    if (reset.kind != Reply::Kind::ok || set.kind != Reply::Kind::ok || selected.kind != Reply::Kind::rows ||
        rows.empty())
        broken_ = true;
    else if (mariadb_)
        role_left_ = rows.front().front() != role_;
    return !broken_;
}

bool Session::restore_role() {
    if (broken_ || !role_left_) return !broken_;
    std::string role = "NONE";
    if (!role_.empty()) {
        role = "`";
        for (const char c : role_) role += c == '`' ? std::string("``") : std::string(1, c);
        role += '`';
    }
    if (run("SET ROLE " + role).kind != Reply::Kind::ok) broken_ = true;
    role_left_ = false;
    return !broken_;
}

// ---- packets ------------------------------------------------------------------------------------

bool Session::alive() noexcept {
    if (broken_) return false;
    char byte = 0;
    const ssize_t seen = recv(fd_, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    // Unasked bytes are a farewell; over TLS they may be a ticket.
    const bool quiet = seen < 0 ? errno == EAGAIN || errno == EWOULDBLOCK : seen > 0 && encrypted_;
    if (!quiet) {
        broken_ = true;
        said_ = {connection_lost, "08S01", "the server has closed the connection"};
    }
    return quiet;
}

Reply Session::refused() const {
    Reply reply;
    reply.kind = Reply::Kind::error;
    reply.error = said_;
    return reply;
}

bool Session::send(Command command, std::string_view payload) noexcept {
    if (broken_) return false;
    sent_ = true;
    constexpr std::size_t gathered_max = 1 << 16;
    if (gathering_ && payload.size() < gathered_max) {
        try {
            append_fixed(gathered_, payload.size() + 1, 3);
            gathered_ += '\0';  // each is the first packet of its command
            gathered_ += static_cast<char>(command);
            gathered_ += payload;
            return true;
        } catch (...) {
            broken_ = true;
            return false;
        }
    }
    if (!gathered_.empty()) send_gathered();
    if (broken_) return false;
    const WithoutSigpipe quiet(encrypted_);
    mysql_->status = MYSQL_STATUS_READY;
    mysql_->server_status &= ~status_more_results;
    const char* const data = payload.empty() ? "" : payload.data();
    const int failed = mysql_->methods->db_command(mysql_, static_cast<enum_server_command>(command), data,
                                                   payload.size(), 1, nullptr);
    if (failed != 0) fail_sending();
    return failed == 0;
}

void Session::fail_sending() noexcept {
    broken_ = true;
    try {
        said_ = {library().error_number(mysql_), library().sqlstate(mysql_), library().error_text(mysql_)};
        if (said_.number == 0) said_ = {connection_lost, "08S01", "the connection to the server is lost"};
    } catch (...) {
        said_.number = connection_lost;
    }
}

// Only where no TLS is: the packets are framed here and go to the socket as they are.
void Session::send_gathered() noexcept {
    gathering_ = false;
    std::string_view rest = gathered_;
    while (!rest.empty() && !broken_) {
        const ssize_t sent = ::send(fd_, rest.data(), rest.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent > 0) {
            rest.remove_prefix(static_cast<std::size_t>(sent));
        } else if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            if (Operation::on_wait(fd_, 0, 0) < 1) fail_sending();
        } else if (sent < 0 && errno != EINTR) {
            fail_sending();
        }
    }
    gathered_.clear();
}

std::optional<std::string_view> Session::read_packet() {
    if (broken_) return std::nullopt;
    const WithoutSigpipe quiet(encrypted_);
    const unsigned long size = library().read_packet(mysql_);
    if (size != packet_error) return std::string_view(reinterpret_cast<char*>(mysql_->net.read_pos), size);
    said_ = {library().error_number(mysql_), library().sqlstate(mysql_), library().error_text(mysql_)};
    if (mysql_->net.pvio == nullptr || is_lost(said_.number)) broken_ = true;
    status_ &= ~status_more_results;
    return std::nullopt;
}

void Session::read_ok(std::string_view packet, Reply& reply) {
    PacketReader reader(packet);
    reader.skip(1);
    reply.kind = Reply::Kind::ok;
    reply.affected = reader.length();
    reply.insert_id = reader.length();
    status_ = static_cast<uint32_t>(reader.fixed(2));
    reply.warnings = static_cast<uint32_t>(reader.fixed(2));
    if (!tracks_ || reader.left() == 0) return;
    reader.text();  // what it says for people
    if ((status_ & status_session_changed) == 0 || reader.left() == 0) return;
    PacketReader changes(reader.text());
    while (changes.left() > 0) {
        constexpr uint64_t schema = 1;
        const uint64_t kind = changes.fixed(1);
        PacketReader change(changes.text());
        if (kind == schema) reply.schema = change.text();
    }
}

void Session::read_end(std::string_view packet) {
    PacketReader reader(packet);
    reader.skip(1);
    if (reader.left() < 4) return;
    reader.fixed(2);
    status_ = static_cast<uint32_t>(reader.fixed(2));
}

std::vector<Field> Session::read_fields(uint64_t count) {
    constexpr uint64_t most = 65535;
    if (count > most) throw Error(Code::io, "the server sent bytes that make no sense");
    std::vector<Field> fields;
    fields.reserve(count);
    for (uint64_t i = 0; i < count; ++i) {
        const auto packet = read_packet();
        if (!packet) return {};
        fields.push_back(field_of(*packet));
    }
    if (const auto end = read_packet()) read_end(*end);
    return fields;
}

Reply Session::read_reply() {
    Reply reply;
    try {
        const auto packet = read_packet();
        if (!packet) return refused();
        const auto header = static_cast<uint8_t>(packet->front());
        if (header == ok_header) {
            read_ok(*packet, reply);
            return reply;
        }
        if (header == end_header && packet->size() < 9) {
            read_end(*packet);
            return reply;
        }
        if (header == infile_header) throw Error(Code::io, "the server asks for a file");
        PacketReader reader(*packet);
        const uint64_t count = reader.length();
        const bool told = reader.left() == 0 || reader.fixed(1) != 0;
        reply.kind = Reply::Kind::rows;
        if (told) {
            reply.fields = read_fields(count);
            if (reply.fields.size() != count) return refused();
        } else if (const auto end = read_packet()) {
            read_end(*end);
        } else {
            return refused();
        }
    } catch (const Error& error) {
        broken_ = true;
        said_ = {2027, "HY000", error.message()};
        return refused();
    }
    return reply;
}

std::optional<ServerError> Session::read_prepared(Prepared& prepared) {
    try {
        const auto packet = read_packet();
        if (!packet) return said_;
        PacketReader reader(*packet);
        reader.skip(1);
        prepared.id = static_cast<uint32_t>(reader.fixed(4));
        const uint64_t columns = reader.fixed(2);
        prepared.parameters = static_cast<uint32_t>(reader.fixed(2));
        if (prepared.parameters > 0 && read_fields(prepared.parameters).empty()) return said_;
        prepared.fields.clear();
        if (columns > 0) prepared.fields = read_fields(columns);
        if (prepared.fields.size() != columns) return said_;
    } catch (const Error& error) {
        broken_ = true;
        said_ = {2027, "HY000", error.message()};
        return said_;
    }
    return std::nullopt;
}

Session::Row Session::read_row(std::string_view& packet, ServerError& error) {
    const auto read = read_packet();
    if (!read) {
        error = said_;
        return Row::error;
    }
    if (static_cast<uint8_t>(read->front()) == end_header && read->size() < 9) {
        read_end(*read);
        return Row::end;
    }
    packet = *read;
    return Row::row;
}

Session::Row Session::drain(ServerError& error) {
    std::string_view packet;
    Row row = Row::row;
    for (uint32_t seen = 1; row == Row::row; ++seen) {
        row = read_row(packet, error);
        if (seen % 64 == 0 && Operation::current_ != nullptr) Operation::current_->look();
    }
    return row == Row::end && more_results() ? drain_more(error) : row;
}

Session::Row Session::drain_more(ServerError& error) {
    while (more_results()) {
        const Reply reply = read_reply();
        if (reply.kind == Reply::Kind::error) {
            error = reply.error;
            return Row::error;
        }
        if (reply.kind == Reply::Kind::rows) return drain(error);
    }
    return Row::end;
}

Reply Session::run(std::string_view sql) {
    if (!send(Command::query, sql)) return refused();
    Reply reply = read_reply();
    if (reply.kind != Reply::Kind::rows) return reply;
    ServerError error;
    if (drain(error) == Row::error) return refused();
    reply.kind = Reply::Kind::ok;
    return reply;
}

Reply Session::select(std::string_view sql, std::vector<std::vector<std::string>>& rows) {
    return send(Command::query, sql) ? read_selected(rows) : refused();
}

Reply Session::read_selected(std::vector<std::vector<std::string>>& rows) {
    Reply reply = read_reply();
    if (reply.kind != Reply::Kind::rows) return reply;
    ServerError error;
    try {
        for (std::string_view packet;;) {
            const Row row = read_row(packet, error);
            if (row == Row::error) return refused();
            if (row == Row::end) return reply;
            PacketReader reader(packet);
            std::vector<std::string>& texts = rows.emplace_back();
            for (std::size_t i = 0; i < reply.fields.size(); ++i) {
                if (reader.left() > 0 && static_cast<uint8_t>(*reader.at()) == infile_header) {
                    reader.skip(1);
                    texts.emplace_back();
                } else {
                    texts.emplace_back(reader.text());
                }
            }
        }
    } catch (const Error& malformed) {
        broken_ = true;
        said_ = {2027, "HY000", malformed.message()};
        return refused();
    }
}

void Session::probe() noexcept {
    try {
        const Reply reply = run("DO 0");
        // The kill that it was sent for, or one from elsewhere: ask again.
        if (reply.kind == Reply::Kind::error && !broken_ && run("DO 0").kind != Reply::Kind::ok) broken_ = true;
    } catch (...) {
        broken_ = true;
    }
}

}  // namespace mtdb::backends::mysql
