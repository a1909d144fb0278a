// SPDX-License-Identifier: MIT
// The proxy itself, with plain sockets on both sides.
#include "proxy.hpp"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

#include "harness.hpp"

namespace {

using namespace harness;
using namespace proxy;

// Answers each connection with `greeting`, then gives back what it hears.
class Server {
public:
    explicit Server(std::string greeting) : greeting_(std::move(greeting)), fd_(socket(AF_INET, SOCK_STREAM, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        check(bind(fd_, reinterpret_cast<sockaddr*>(&address), size) == 0 && listen(fd_, 8) == 0, "no server");
        getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size);
        port = ntohs(address.sin_port);
        thread_ = std::thread([this] { serve(); });
    }
    Server(const Server&) = delete;
    ~Server() {
        shutdown(fd_, SHUT_RDWR);
        thread_.join();
        close(fd_);
    }
    int port = 0;

private:
    void serve() {
        for (int client; (client = accept(fd_, nullptr, nullptr)) >= 0; close(client)) {
            if (write(client, greeting_.data(), greeting_.size()) < 0) continue;
            char bytes[4096];
            for (ssize_t size; (size = read(client, bytes, sizeof bytes)) > 0;)
                if (write(client, bytes, static_cast<std::size_t>(size)) < 0) break;
        }
    }
    const std::string greeting_;
    const int fd_;
    std::thread thread_;
};

int connected(int port) {
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    check(connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0, "no connection");
    return fd;
}

// What comes until the other side ends, or so many bytes.
std::string heard(int fd, std::size_t bytes) {
    std::string all;
    char part[4096];
    while (all.size() < bytes) {
        const ssize_t size = read(fd, part, std::min(sizeof part, bytes - all.size()));
        if (size <= 0) break;
        all.append(part, static_cast<std::size_t>(size));
    }
    return all;
}

std::string packet(const std::string& body, char number = 0) {
    const auto size = static_cast<char>(body.size());
    return std::string{size, 0, 0, number} + body;
}

void framing() {
    test("a MySQL message ends where its length says, a half one is waited for", [] {
        Framer framer(Protocol::mysql, proxy::Side::client);
        const std::string two = packet("abc") + packet("defgh", 1);
        check(framer.next(two) == 7, "length");
        check(framer.next(std::string_view(two).substr(7)) == 9, "length");
        check(framer.next("abc") == 0 && framer.next(std::string_view(two).substr(0, 6)) == 0, "half");
    });
    test("a PostgreSQL client begins without a letter, then has one", [] {
        Framer framer(Protocol::postgres, proxy::Side::client);
        const std::string ssl("\0\0\0\10\4\322\26\57", 8), start("\0\0\0\11\0\3\0\0\0", 9), sync("S\0\0\0\4", 5);
        check(framer.next(ssl) == 8, "TLS request");
        check(framer.next(start) == 9, "start");
        check(framer.next(sync) == 5, "sync");
        check(framer.next(sync.substr(0, 4)) == 0, "half");
    });
}

void harms() {
    const std::string greeting = packet(std::string("\n10.11\0", 7) + std::string(20, 'x'));
    const std::string question = packet("question");
    const auto talk = [&](const Harm& harm, std::size_t bytes) {
        Server server(greeting);
        Proxy proxy({Protocol::mysql, {{}, server.port}, {}});
        proxy.harm(harm);
        const int fd = connected(proxy.port());
        std::string all = heard(fd, greeting.size());
        if (send(fd, question.data(), question.size(), MSG_NOSIGNAL) > 0) all += heard(fd, bytes);
        close(fd);
        return all.substr(std::min(all.size(), greeting.size()));
    };
    test("without harm all passes", [&] { check(talk({}, question.size()) == question, "another answer"); });
    test("a cut ends the stream in front of its message", [&] {
        check(talk({Harm::Kind::cut, proxy::Side::server, 2}, 100).empty(), "something passed");
        check(talk({Harm::Kind::cut, proxy::Side::client, 1}, 100).empty(), "something passed");
    });
    test("a half message is half", [&] {
        check(talk({Harm::Kind::halve, proxy::Side::server, 2}, 100) == question.substr(0, question.size() / 2),
              "another half");
    });
    test("a delay delays", [&] {
        const int64_t began = now_ms();
        check(talk({Harm::Kind::delay, proxy::Side::server, 2, 100}, question.size()) == question, "another answer");
        check(now_ms() - began >= 100, "no delay");
    });
    test("garbling is the same for the same seed", [&] {
        Harm harm{Harm::Kind::garble, proxy::Side::server, 2};
        harm.one_in = 2;
        harm.seed = 5;
        const std::string first = talk(harm, question.size());
        check(first != question && first == talk(harm, question.size()), "it is not");
    });
}

}  // namespace

int main() {
    framing();
    harms();
    return summary();
}
