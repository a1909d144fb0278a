// SPDX-License-Identifier: MIT
#include "proxy.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <random>
#include <stdexcept>
#include <utility>

namespace proxy {

namespace {

uint32_t big_endian(std::string_view bytes) {
    uint32_t value = 0;
    for (std::size_t i = 0; i < 4; ++i) value = value << 8 | static_cast<unsigned char>(bytes[i]);
    return value;
}

constexpr uint32_t ssl_request = 80877103, gss_request = 80877104;
constexpr std::size_t mysql_head = 4;
constexpr uint32_t mysql_client_ssl = 1u << 11;

int checked(int result, const char* what) {
    if (result < 0) throw std::runtime_error(std::string("proxy: ") + what + ": " + std::strerror(errno));
    return result;
}

bool send_all(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t sent = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent <= 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
}

sockaddr_in loopback(int port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

sockaddr_un local(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) throw std::runtime_error("proxy: too long: " + path);
    std::memcpy(address.sun_path, path.data(), path.size());
    return address;
}

// A greeting that offers TLS makes clients speak it: the flag goes.
void offer_no_tls(std::string& greeting) {
    const std::size_t version_end = greeting.find('\0', mysql_head + 1);
    if (version_end == std::string::npos) return;
    // After the version: 4 bytes of thread id, 8 of salt, a filler, then the lower flags.
    const std::size_t flags = version_end + 1 + 4 + 8 + 1;
    if (flags + 2 > greeting.size()) return;
    greeting[flags + 1] = static_cast<char>(greeting[flags + 1] & ~static_cast<char>(mysql_client_ssl >> 8));
}

}  // namespace

// ---- Framer ----

std::size_t Framer::next(std::string_view bytes) {
    if (protocol_ == Protocol::postgres) return next_postgres(bytes);
    if (bytes.size() < mysql_head) return 0;
    const auto byte = [&](std::size_t at) { return static_cast<std::size_t>(static_cast<unsigned char>(bytes[at])); };
    const std::size_t size = mysql_head + (byte(0) | byte(1) << 8 | byte(2) << 16);
    return bytes.size() >= size ? size : 0;
}

std::size_t Framer::next_postgres(std::string_view bytes) {
    if (from_ == Side::client && !started_) {
        if (bytes.size() < 8) return 0;
        const std::size_t size = big_endian(bytes);
        if (bytes.size() < size) return 0;
        const uint32_t code = big_endian(bytes.substr(4));
        started_ = code != ssl_request && code != gss_request;
        return size;
    }
    if (bytes.size() < 5) return 0;
    const std::size_t size = std::size_t{1} + big_endian(bytes.substr(1));
    return bytes.size() >= size ? size : 0;
}

// ---- Proxy ----

struct Proxy::Direction {
    Direction(Protocol protocol, Side side, int from_fd, int to_fd)
        : framer(protocol, side), from(side), source(from_fd), sink(to_fd) {}
    Framer framer;
    const Side from;
    const int source, sink;
    std::string waiting;  // bytes of messages that are not whole yet
    int64_t messages = 0;
    std::mt19937_64 random;
    bool seeded = false;
};

Proxy::Proxy(Settings settings) : settings_(std::move(settings)) {
    wake_ = checked(eventfd(0, EFD_CLOEXEC), "eventfd");
    listen_tcp();
    if (!settings_.folder.empty()) listen_unix();
    acceptor_ = std::thread([this] { accept_all(); });
}

Proxy::~Proxy() {
    over_ = true;
    const uint64_t one = 1;
    static_cast<void>(!write(wake_, &one, sizeof one));
    acceptor_.join();
    cut_all();
    for (Connection& connection : all_) connection.thread.join();
    for (const int fd : {tcp_, unix_, wake_})
        if (fd >= 0) close(fd);
    if (!path_.empty()) unlink(path_.c_str());
}

void Proxy::listen_tcp() {
    tcp_ = checked(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
    sockaddr_in address = loopback(0);
    socklen_t size = sizeof address;
    checked(bind(tcp_, reinterpret_cast<sockaddr*>(&address), size), "bind");
    checked(listen(tcp_, 64), "listen");
    checked(getsockname(tcp_, reinterpret_cast<sockaddr*>(&address), &size), "getsockname");
    port_ = ntohs(address.sin_port);
}

void Proxy::listen_unix() {
    path_ = settings_.folder + "/.s.PGSQL." + std::to_string(port_);
    unix_ = checked(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
    const sockaddr_un address = local(path_);
    checked(bind(unix_, reinterpret_cast<const sockaddr*>(&address), sizeof address), "bind");
    checked(listen(unix_, 64), "listen");
}

int Proxy::connect_target() const {
    if (!settings_.target.socket.empty()) {
        const int fd = checked(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
        const sockaddr_un address = local(settings_.target.socket);
        if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return fd;
        close(fd);
        return -1;
    }
    const int fd = checked(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
    const sockaddr_in address = loopback(settings_.target.port);
    if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return fd;
    close(fd);
    return -1;
}

void Proxy::harm(const Harm& harm) {
    const std::lock_guard lock(mutex_);
    harm_ = harm;
}

Harm Proxy::harm_for(const Connection& connection) const {
    const std::lock_guard lock(mutex_);
    return harm_.connection == 0 || harm_.connection == connection.number ? harm_ : Harm{};
}

void Proxy::cut_all() {
    const std::lock_guard lock(mutex_);
    for (Connection& connection : all_) {
        if (connection.over) continue;
        shutdown(connection.client, SHUT_RDWR);
        shutdown(connection.server, SHUT_RDWR);
    }
}

void Proxy::accept_all() {
    while (!over_) {
        pollfd fds[] = {{wake_, POLLIN, 0}, {tcp_, POLLIN, 0}, {unix_, POLLIN, 0}};
        if (poll(fds, unix_ >= 0 ? 3 : 2, -1) < 0) continue;
        for (const pollfd& each : {fds[1], fds[2]}) {
            if ((each.revents & POLLIN) == 0) continue;
            const int client = accept4(each.fd, nullptr, nullptr, SOCK_CLOEXEC);
            if (client >= 0) take(client);
        }
    }
}

void Proxy::take(int client) {
    const int server = refusing_ ? -1 : connect_target();
    if (server < 0) {
        close(client);
        return;
    }
    const int on = 1;
    for (const int fd : {client, server}) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    const std::lock_guard lock(mutex_);
    Connection& connection = all_.emplace_back();
    connection.number = ++connections_;
    connection.client = client;
    connection.server = server;
    connection.thread = std::thread([this, &connection] { serve(connection); });
}

void Proxy::serve(Connection& connection) {
    Direction up(settings_.protocol, Side::client, connection.client, connection.server);
    Direction down(settings_.protocol, Side::server, connection.server, connection.client);
    bool open = true;
    while (open && !over_) {
        pollfd fds[] = {{connection.client, POLLIN, 0}, {connection.server, POLLIN, 0}};
        if (poll(fds, 2, 100) < 0 && errno != EINTR) break;
        if (open && fds[0].revents != 0) open = pump(connection, up);
        if (open && fds[1].revents != 0) open = pump(connection, down);
    }
    const std::lock_guard lock(mutex_);
    connection.over = true;
    close(connection.client);
    close(connection.server);
}

bool Proxy::pump(Connection& connection, Direction& direction) {
    char bytes[65536];
    const ssize_t size = recv(direction.source, bytes, sizeof bytes, 0);
    if (size < 0 && errno == EINTR) return true;
    if (size <= 0) {
        // What ends in the middle of a message ends there on the other side too.
        send_all(direction.sink, direction.waiting);
        return false;
    }
    direction.waiting.append(bytes, static_cast<std::size_t>(size));
    return pass_messages(connection, direction);
}

bool Proxy::pass_messages(Connection& connection, Direction& direction) {
    std::size_t begin = 0;
    bool open = true;
    while (open) {
        const std::string_view rest = std::string_view(direction.waiting).substr(begin);
        const std::size_t size = direction.framer.next(rest);
        if (size == 0) break;
        begin += size;
        if (refuse_tls(connection, rest.substr(0, size))) continue;
        ++direction.messages;
        auto& most = direction.from == Side::client ? most_client_ : most_server_;
        if (direction.messages > most) most = direction.messages;
        open = pass(direction, std::string(rest.substr(0, size)), harm_for(connection));
    }
    direction.waiting.erase(0, begin);
    return open;
}

// Answers PostgreSQL's request for TLS itself, with no.
bool Proxy::refuse_tls(Connection& connection, std::string_view message) {
    if (settings_.protocol != Protocol::postgres || message.size() != 8) return false;
    const uint32_t code = big_endian(message.substr(4));
    if (big_endian(message) != 8 || (code != ssl_request && code != gss_request)) return false;
    send_all(connection.client, "N");
    return true;
}

bool Proxy::pass(Direction& direction, std::string message, const Harm& harm) {
    if (settings_.protocol == Protocol::mysql && direction.from == Side::server && direction.messages == 1)
        offer_no_tls(message);
    const bool hit = harm.kind != Harm::Kind::none && harm.from == direction.from;
    const bool here = hit && direction.messages == harm.message;
    const bool behind = hit && direction.messages >= harm.message;
    if (here || (behind && harm.kind == Harm::Kind::garble)) ++harms_;
    switch (harm.kind) {
        case Harm::Kind::cut:
            if (behind) return false;
            break;
        case Harm::Kind::halve:
            if (!behind) break;
            send_all(direction.sink, std::string_view(message).substr(0, message.size() / 2));
            return false;
        case Harm::Kind::delay:
            if (here) std::this_thread::sleep_for(std::chrono::milliseconds(harm.delay_ms));
            break;
        case Harm::Kind::hang:
            // Until the harm is another, the connection is cut or the proxy goes.
            if (behind) {
                pollfd fds[] = {{direction.source, POLLRDHUP, 0}, {direction.sink, POLLRDHUP, 0}};
                while (!over_ && poll(fds, 2, 20) == 0) {
                    const std::lock_guard lock(mutex_);
                    if (harm_.kind != Harm::Kind::hang) break;
                }
                return false;
            }
            break;
        case Harm::Kind::garble:
            if (behind) {
                if (!std::exchange(direction.seeded, true)) direction.random.seed(harm.seed);
                // The head stays whole one time in two: nonsense inside of messages, and of their lengths.
                const std::size_t head = direction.random() % 2 == 0 ? std::size_t{5} : std::size_t{0};
                for (std::size_t i = head; i < message.size(); ++i)
                    if (direction.random() % static_cast<uint64_t>(harm.one_in) == 0) {
                        message[i] = static_cast<char>(direction.random());
                        ++garbled_;
                    }
            }
            break;
        case Harm::Kind::none:
            break;
    }
    return send_all(direction.sink, message);
}

}  // namespace proxy
