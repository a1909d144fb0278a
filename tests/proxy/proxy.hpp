// SPDX-License-Identifier: MIT
// A proxy between a client and a server that knows where the messages of both protocols end, and does harm there.
//
//   Proxy proxy({.protocol = Protocol::postgres, .target = unix_target(path)});
//   ... connect to 127.0.0.1:proxy.port() ...
//   proxy.harm({.kind = Harm::Kind::halve, .from = Side::server, .message = 3});
//
// Messages are counted per connection and direction, from 1. TLS is not spoken: a client that asks PostgreSQL for it is
// told no, MySQL's greeting offers none.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace proxy {

enum class Protocol { postgres, mysql };
enum class Side { client, server };  // who sends

struct Harm {
    enum class Kind {
        none,
        cut,    // the connection ends in front of the message
        halve,  // the first half of the message passes, then the connection ends
        delay,  // the message, and all behind it, waits
        hang,   // from this message on nothing passes in either direction; the connection stays
        garble  // from this message on random bytes of the messages' bodies are changed
    };
    Kind kind = Kind::none;
    Side from = Side::client;
    int64_t message = 1;
    int64_t delay_ms = 0;
    uint64_t seed = 1;       // of garble
    int64_t one_in = 100;    // garble: one byte of so many
    int64_t connection = 0;  // only this connection, from 1; 0: every one
};

// Where one direction's messages end, as they stream by.
class Framer {
public:
    Framer(Protocol protocol, Side from) : protocol_(protocol), from_(from) {}
    // How long the first message of `bytes` is; 0: more must come to know.
    std::size_t next(std::string_view bytes);

private:
    std::size_t next_postgres(std::string_view bytes);
    const Protocol protocol_;
    const Side from_;
    bool started_ = false;  // PostgreSQL: the messages without a letter are over
};

struct Target {
    std::string socket;  // a path; else the port of 127.0.0.1
    int port = 0;
};
struct Settings {
    Protocol protocol = Protocol::postgres;
    Target target;
    std::string folder;  // also listens on a socket in it, named as PostgreSQL's clients expect: .s.PGSQL.<port>
};

class Proxy {
public:
    explicit Proxy(Settings settings);
    Proxy(const Proxy&) = delete;
    ~Proxy();

    int port() const { return port_; }
    // Takes effect for connections that begin from now on, and for those that have not come so far.
    void harm(const Harm& harm);
    void cut_all();                                       // ends the connections that are there
    void refuse(bool refusing) { refusing_ = refusing; }  // new ones are closed at once

    int64_t connections() const { return connections_; }
    int64_t harms() const { return harms_; }
    int64_t garbled() const { return garbled_; }  // bytes
    // Messages seen in this direction by the connection that has the most.
    int64_t messages(Side from) const { return from == Side::client ? most_client_ : most_server_; }

private:
    struct Connection {
        int64_t number = 0;
        int client = -1, server = -1;
        std::thread thread;
        std::atomic<bool> over{false};
    };
    struct Direction;
    void listen_tcp();
    void listen_unix();
    void accept_all();
    void take(int client);
    void serve(Connection& connection);
    bool pump(Connection& connection, Direction& direction);
    bool pass_messages(Connection& connection, Direction& direction);
    bool pass(Direction& direction, std::string message, const Harm& harm);
    bool refuse_tls(Connection& connection, std::string_view message);
    Harm harm_for(const Connection& connection) const;
    int connect_target() const;

    const Settings settings_;
    int tcp_ = -1, unix_ = -1, wake_ = -1, port_ = 0;
    std::string path_;
    mutable std::mutex mutex_;  // of harm_ and connections
    Harm harm_;
    std::list<Connection> all_;
    std::atomic<bool> over_{false}, refusing_{false};
    std::atomic<int64_t> connections_{0}, harms_{0}, garbled_{0}, most_client_{0}, most_server_{0};
    std::thread acceptor_;
};

}  // namespace proxy
