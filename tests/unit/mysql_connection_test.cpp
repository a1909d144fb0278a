// SPDX-License-Identifier: MIT
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <atomic>

#include <random>
#include <thread>

#include "mysql_fixture.hpp"

using namespace mtdb;
using namespace mtdb::test;

namespace {

// Triggers a token after a time.
class Trigger {
public:
    Trigger(CancelToken& token, milliseconds after)
        : thread_([&token, after] {
              std::this_thread::sleep_for(after);
              token.trigger(0);
          }) {}
    ~Trigger() { thread_.join(); }

private:
    std::thread thread_;
};

int64_t passed_ms(base::Time since) {
    return std::chrono::duration_cast<milliseconds>(base::Clock::now() - since).count();
}

}  // namespace

TEST_CASE("mysql: begin, commit and rollback, with isolation and read-only") {
    Mysql my;
    const std::string tenant = my.tenant();
    const auto conn = my.at(tenant);
    const auto look = my.at(tenant);
    for (const auto isolation : {db::Isolation::standard, db::Isolation::read_committed,
                                 db::Isolation::repeatable_read, db::Isolation::serializable}) {
        conn->begin({.isolation = isolation}, within());
        CHECK(conn->in_transaction());
        my.run(*conn, "INSERT INTO t(v) VALUES('x')");
        conn->rollback();
        CHECK(!conn->in_transaction());
    }
    conn->begin({.isolation = db::Isolation::read_committed}, within());
    CHECK(my.one(*conn, "SELECT COUNT(*) FROM t") == "1");
    my.run(*look, "INSERT INTO t(v) VALUES('seen')");
    CHECK(my.one(*conn, "SELECT COUNT(*) FROM t") == "2");
    conn->commit(within());
    conn->begin({.read_only = true}, within());
    CHECK(my.one(*conn, "SELECT COUNT(*) FROM t") == "2");
    my.run(*look, "INSERT INTO t(v) VALUES('not seen')");
    CHECK(my.one(*conn, "SELECT COUNT(*) FROM t") == "2");
    const Error error = error_of([&] { my.run(*conn, "INSERT INTO t(v) VALUES('x')"); });
    CHECK(error.code() == Code::read_only);
    CHECK(error.effect() == Effect::none);
    CHECK(conn->in_transaction());
    conn->rollback();
    conn->rollback();
    CHECK(error_of([&] {
              conn->begin({}, within());
              conn->begin({}, within());
          }).code() == Code::invalid_state);
    conn->savepoint("a");
    my.run(*conn, "INSERT INTO t(v) VALUES('gone')");
    conn->savepoint("b");
    conn->release_savepoint("b");
    conn->rollback_to("a");
    my.run(*conn, "INSERT INTO t(v) VALUES('kept')");
    conn->commit(within());
    CHECK(my.one(*look, "SELECT GROUP_CONCAT(v ORDER BY id SEPARATOR '|') FROM t WHERE v IN('gone','kept')") ==
          "kept");
}

TEST_CASE("mysql: nothing commits an open transaction unsaid") {
    Mysql my;
    const auto conn = my.at(my.tenant());
    my.run(*conn,
           "CREATE PROCEDURE hop(fails INT) BEGIN COMMIT; START TRANSACTION; INSERT INTO t(v) VALUES('in');"
           " IF fails THEN SIGNAL SQLSTATE '45000'; END IF; END");
    my.run(*conn, "CREATE PROCEDURE stay() BEGIN INSERT INTO t(v) VALUES('stay'); SELECT 1; END");
    conn->begin({}, within());
    my.run(*conn, "INSERT INTO t(v) VALUES('x')");
    for (const char* sql : {"START TRANSACTION", "BEGIN"}) {
        CAPTURE(sql);
        CHECK(error_of([&] { my.run(*conn, sql); }).code() == Code::invalid_state);
    }
    my.run(*conn, "CALL stay()");
    CHECK(conn->in_transaction());
    conn->rollback();
    CHECK(my.one(*conn, "SELECT COUNT(*) FROM t") == "1");
    for (const bool fails : {false, true}) {
        CAPTURE(fails);
        conn->begin({}, within());
        my.run(*conn, "INSERT INTO t(v) VALUES('x')");
        const Error error = error_of([&] { my.run(*conn, fails ? "CALL hop(1)" : "CALL hop(0)"); });
        CHECK(error.effect() == Effect::committed);
        CHECK((fails || error.code() == Code::tx_lost));
        CHECK(!conn->in_transaction());
    }
    CHECK(my.one(*conn, "SELECT GROUP_CONCAT(v SEPARATOR '|') FROM t WHERE id > 1") == "x|x");
    my.run(*conn, "SET completion_type = CHAIN");
    conn->begin({}, within());
    conn->commit(within());
    CHECK(!conn->in_transaction());
}

TEST_CASE("mysql: what runs several statements is not said to be undone when it fails") {
    Mysql my;
    const auto conn = my.at(my.tenant());
    my.run(*conn, "CREATE PROCEDURE half() BEGIN INSERT INTO t(v) VALUES('half'); SIGNAL SQLSTATE '45000'; END");
    my.run(*conn, "CREATE TABLE made(i INT)");
    for (const char* sql : {"CALL half()",
                            "BEGIN NOT ATOMIC INSERT INTO t(v) VALUES('half'); SIGNAL SQLSTATE '45000'; END",
                            "DROP TABLE made, missing"}) {
        CAPTURE(sql);
        CHECK(error_of([&] { my.run(*conn, sql); }).effect() == Effect::unknown);
    }
    CHECK(my.one(*conn, "SELECT COUNT(*) FROM t WHERE v = 'half'") == "2");
    CHECK(error_of([&] { my.run(*conn, "INSERT INTO t(id) VALUES(1)"); }).effect() == Effect::rolled_back);
}

TEST_CASE("mysql: a definition commits what is open, and the session says so") {
    Mysql my;
    const auto conn = my.at(my.tenant());
    conn->begin({}, within());
    my.run(*conn, "INSERT INTO t(v) VALUES('x')");
    my.run(*conn, "CREATE TABLE made(i INT)");
    CHECK(!conn->in_transaction());
    CHECK(my.one(*conn, "SELECT COUNT(*) FROM t") == "2");
    conn->begin({}, within());
    my.run(*conn, "INSERT INTO t(v) VALUES('y')");
    const Error error = error_of([&] { my.run(*conn, "CREATE TABLE made(i INT)"); });
    CHECK(error.effect() == Effect::committed);
    CHECK(!conn->in_transaction());
    CHECK(my.one(*conn, "SELECT COUNT(*) FROM t") == "3");
}

TEST_CASE("mysql: a deadlock ends the transaction, a lock's timeout only its statement") {
    Mysql my;
    const std::string tenant = my.tenant();
    const auto one = my.at(tenant);
    const auto two = my.at(tenant);
    my.run(*one, "INSERT INTO t(id,v) VALUES(2,'b')");
    my.run(*one, "SET innodb_lock_wait_timeout=1");
    my.run(*two, "SET innodb_lock_wait_timeout=20");
    one->begin({}, within());
    two->begin({}, within());
    my.run(*one, "UPDATE t SET v='1' WHERE id=1");
    my.run(*two, "UPDATE t SET v='2' WHERE id=2");
    const Error busy = error_of([&] { my.run(*one, "UPDATE t SET v='1' WHERE id=2"); });
    CHECK(busy.code() == Code::busy);
    CHECK(busy.native() == 1205);
    CHECK(busy.effect() == Effect::none);
    CHECK(one->in_transaction());
    my.run(*one, "SET innodb_lock_wait_timeout=20");
    std::optional<Error> lost;
    std::thread other([&] {
        try {
            my.run(*two, "UPDATE t SET v='2' WHERE id=1");
        } catch (const Error& error) {
            lost = error;
        }
    });
    std::optional<Error> mine;
    try {
        std::this_thread::sleep_for(milliseconds(200));
        my.run(*one, "UPDATE t SET v='1' WHERE id=2");
    } catch (const Error& error) {
        mine = error;
    }
    other.join();
    REQUIRE((mine.has_value() != lost.has_value()));
    const Error& error = mine ? *mine : *lost;
    CHECK(error.code() == Code::serialization);
    CHECK(error.effect() == Effect::rolled_back);
    CHECK(error.retryable());
    CHECK(!(mine ? one : two)->in_transaction());
    CHECK((mine ? two : one)->in_transaction());
}

TEST_CASE("mysql: a deadline ends the statement and not the connection") {
    Mysql my;
    const auto conn = my.at(my.tenant());
    for (const char* sql : {"SELECT SLEEP(30)", "SELECT SLEEP(?)"}) {
        const auto start = base::Clock::now();
        const Error error = error_of([&] {
            const auto statement = conn->prepare(sql, nullptr, within());
            if (statement->parameter_count() > 0) statement->bind(1, db::Value::integer(30), db::Lifetime::copied);
            statement->run(within(200));
        });
        CHECK(error.code() == Code::timeout);
        CHECK(error.effect() == Effect::none);
        CHECK(passed_ms(start) < 3000);
        CHECK(conn->in_place());
        CHECK(my.one(*conn, "SELECT DATABASE() IS NOT NULL") == "1");
    }
    const Error write = error_of([&] { my.run(*conn, "INSERT INTO t(v) SELECT SLEEP(30)", {}, within(200)); });
    CHECK(write.code() == Code::timeout);
    CHECK(write.effect() == Effect::rolled_back);
    CHECK(my.one(*conn, "SELECT COUNT(*) FROM t") == "1");
    conn->begin({}, within());
    my.run(*conn, "INSERT INTO t(v) VALUES('kept')");
    CHECK(error_of([&] { my.one(*conn, "SELECT SLEEP(30)", {}, within(200)); }).code() == Code::timeout);
    CHECK(conn->in_transaction());
    conn->commit(within());
    CHECK(my.one(*conn, "SELECT COUNT(*) FROM t") == "2");
    const Error before = error_of([&] { my.run(*conn, "INSERT INTO t(v) VALUES('x')", {}, within(0)); });
    CHECK(before.code() == Code::timeout);
    CHECK(before.effect() == Effect::none);
    CHECK(my.one(*conn, "SELECT COUNT(*) FROM t") == "2");
}

TEST_CASE("mysql: a cancel ends a statement that waits, one that computes and one that streams") {
    Mysql my;
    const auto conn = my.at(my.tenant());
    const auto cancelled = [&](auto&& work) {
        CancelToken token;
        const Trigger trigger(token, milliseconds(150));
        const Wait wait{Deadline::in(milliseconds(20'000)), &token, nullptr};
        const auto start = base::Clock::now();
        const Error error = error_of([&] { work(wait); });
        CHECK(error.code() == Code::cancelled);
        CHECK(passed_ms(start) < 4000);
        CHECK(conn->in_place());
        CHECK(my.one(*conn, "SELECT 'next'") == "next");
        return error;
    };
    cancelled([&](const Wait& wait) { my.run(*conn, "SELECT SLEEP(30)", {}, wait); });
    cancelled([&](const Wait& wait) {
        my.one(*conn, "SELECT COUNT(*) FROM seq_1_to_1000000 a, seq_1_to_1000000 b WHERE a.seq*b.seq%7=8", {},
               wait);
    });
    for (const char* sql :
         {"SELECT seq FROM seq_1_to_1000000000", "SELECT seq FROM seq_1_to_1000000000 WHERE seq>?"}) {
        cancelled([&](const Wait& wait) {
            const auto statement = conn->prepare(sql, nullptr, wait);
            if (statement->parameter_count() > 0) statement->bind(1, db::Value::integer(0), db::Lifetime::copied);
            while (statement->next(wait)) {
            }
        });
        cancelled([&](const Wait& wait) {
            const auto statement = conn->prepare(sql, nullptr, wait);
            if (statement->parameter_count() > 0) statement->bind(1, db::Value::integer(0), db::Lifetime::copied);
            statement->settle_columns(wait);
            std::vector<char> buffer(1 << 16);
            for (;;) {
                db::BlockWriter writer(buffer.data(), 1 << 16, 1, 0);
                if (statement->fill(writer, wait) == db::Fill::done) break;
            }
        });
    }
    // A lock that another transaction holds.
    const std::string tenant = conn->standing(within());
    const auto holder = my.at(tenant);
    holder->begin({}, within());
    my.run(*holder, "UPDATE t SET v='held'");
    const Error waiting = cancelled([&](const Wait& wait) { my.run(*conn, "UPDATE t SET v='mine'", {}, wait); });
    CHECK(waiting.effect() == Effect::rolled_back);
}

TEST_CASE("mysql: cancels at random moments never hit another statement") {
    Mysql my;
    const auto conn = my.at(my.tenant());
    std::minstd_rand random(42);
    int ended = 0;
    for (int i = 0; i < 300; ++i) {
        CancelToken token;
        const Wait wait{Deadline::in(milliseconds(20'000)), &token, nullptr};
        std::thread trigger([&token, after = std::chrono::microseconds(random() % 2500)] {
            std::this_thread::sleep_for(after);
            token.trigger(0);
        });
        try {
            my.one(*conn, i % 2 == 0 ? "SELECT SLEEP(0.001)" : "SELECT COUNT(*) FROM seq_1_to_20000", {}, wait);
        } catch (const Error& error) {
            CHECK(error.code() == Code::cancelled);
            ++ended;
        }
        REQUIRE(conn->in_place());
        for (int after = 0; after < 3; ++after) REQUIRE(my.one(*conn, "SELECT SLEEP(0.0005)") == "0");
        trigger.join();
    }
    MESSAGE(ended << " of 300 were cancelled");
    CHECK(ended > 0);  // how many is the machine's affair
}

TEST_CASE("mysql: a deadline during COMMIT leaves its effect unknown or tells that it was done") {
    Mysql my;
    const std::string tenant = my.tenant();
    const auto conn = my.at(tenant);
    const auto locker = my.at(tenant);
    conn->begin({}, within());
    my.run(*conn, "INSERT INTO t(v) VALUES('x')");
    my.run(*locker, "FLUSH TABLES WITH READ LOCK");
    const Error error = error_of([&] { conn->commit(within(200)); });
    CHECK(error.code() == Code::timeout);
    CHECK(error.effect() != Effect::committed);
    MESSAGE(static_cast<int>(error.effect()));
    my.run(*locker, "UNLOCK TABLES");
}

TEST_CASE("mysql: a rows reader that goes away leaves a usable connection") {
    Mysql my;
    const auto conn = my.at(my.tenant());
    const auto start = base::Clock::now();
    {
        const auto statement = conn->prepare("SELECT seq FROM seq_1_to_1000000000", nullptr, within());
        REQUIRE(statement->next(within()));
    }
    CHECK(passed_ms(start) < 3000);
    CHECK(my.one(*conn, "SELECT 'next'") == "next");
    CHECK(conn->end_lease() == db::Reuse::clean);
}

TEST_CASE("mysql: SIGPIPE's disposition is as before, sockets are close-on-exec, nothing is told on stderr") {
    struct sigaction before = {};
    sigaction(SIGPIPE, nullptr, &before);
    Mysql my;
    const auto conn = my.at(my.tenant());
    struct sigaction after = {};
    sigaction(SIGPIPE, nullptr, &after);
    CHECK((before.sa_handler == after.sa_handler));
    CHECK((fcntl(Mysql::session(*conn).fd(), F_GETFD) & FD_CLOEXEC) != 0);
}

TEST_CASE("mysql: a connection needs an answer within connect_timeout_ms, and says who did not give it") {
    const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    socklen_t size = sizeof address;
    getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
    const std::string where = "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
    const std::string url = "mysql://user:secret%21word@" + where + "/db";
    MysqlSettings settings;
    settings.values["connect_timeout_ms"] = "300";
    const auto backend = backends::mysql::make({"mysql", url}, settings);
    const Error refused = error_of([&] { backend->open({"x"}, within()); });
    CHECK(refused.code() == Code::unavailable);
    CHECK(refused.message() == "cannot connect to " + where + ": connection refused");
    REQUIRE(listen(listener, 5) == 0);
    auto start = base::Clock::now();
    const Error hanging = error_of([&] { backend->open({"x"}, within()); });
    CHECK(hanging.code() == Code::unavailable);
    CHECK(hanging.message() == "cannot connect to " + where + ": no answer within connect_timeout_ms");
    CHECK(passed_ms(start) < 1500);
    start = base::Clock::now();
    CHECK(error_of([&] { backend->open({"x"}, within(100)); }).code() == Code::timeout);
    CHECK(passed_ms(start) < 1000);
    CancelToken token;
    token.trigger(0);
    CHECK(error_of([&] {
              backend->open({"x"}, Wait{Deadline::never(), &token, nullptr});
          }).code() == Code::cancelled);
    close(listener);
}

TEST_CASE("mysql: wrong passwords, unknown databases and several hosts") {
    Mysql my;
    const std::string tenant = my.tenant();
    const std::string url = mysql_url();
    const auto wrong = backends::mysql::make({"mysql", url + "&user=mt_nobody&password=secret"}, my.settings);
    const Error denied = error_of([&] { wrong->open({"x"}, within()); });
    CHECK(denied.code() == Code::auth);
    CHECK(denied.message().find("secret") == std::string::npos);
    CHECK(denied.native() == 1045);
    CHECK(error_of([&] { my.backend->open({"", "?dbname=mt_no_such"}, within()); }).code() == Code::tenant_unknown);
    const auto own = my.backend->open({"", "?dbname=" + tenant}, within());
    own->pin({"", "?dbname=" + tenant}, false);
    CHECK(my.one(*own, "SELECT v FROM t") == tenant);
    my.run(*own, "USE mysql");
    CHECK(my.one(*own, "SELECT v FROM t") == tenant);
    own->end_lease();
    own->pin({""}, false);
    CHECK(my.one(*own, "SELECT v FROM t") == tenant);
}
