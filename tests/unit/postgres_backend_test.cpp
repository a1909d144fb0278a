// SPDX-License-Identifier: MIT
// Verbs, connecting and what the backend says of itself.
#include "backends/postgres/backend.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <set>
#include <thread>

#include "postgres_fixture.hpp"

using namespace postgres_test;

namespace {

std::set<std::string> listed(db::Backend& backend) {
    std::set<std::string> names;
    const auto cursor = backend.list(forever);
    while (const auto name = cursor->next()) names.insert(*name);
    return names;
}

// Listens and says nothing.
class Silent {
public:
    Silent() : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        REQUIRE(bind(fd_, reinterpret_cast<sockaddr*>(&address), size) == 0);
        REQUIRE(listen(fd_, 8) == 0);
        REQUIRE(getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
        port = ntohs(address.sin_port);
    }
    ~Silent() { close(fd_); }
    int port = 0;

private:
    int fd_;
};

Error open_error(const std::string& url, std::initializer_list<Setting> settings = {},
                 const Wait& wait = within(10s)) {
    const auto backend = pg::make({"postgres", url, {}}, Settings(settings));
    return error_of([&] { backend->open({}, wait); });
}

}  // namespace

TEST_CASE("postgres backend: a tenant is made, found, listed, renamed and dropped") {
    World world;
    db::Backend& backend = *world.backend;
    const std::string name = world.a + "_new";
    CHECK_FALSE(backend.exists({name}, forever));
    backend.create({name}, forever);
    CHECK(backend.exists({name}, forever));
    Error error = error_of([&] { backend.create({name}, forever); });
    CHECK(error.code() == Code::exists);
    CHECK(error.message() == "there is already a schema \"" + name + "\"");
    CHECK(listed(backend).contains(name));
    CHECK(error_of([&] { backend.rename({name}, {world.b}, forever); }).code() == Code::exists);
    backend.drop({name}, forever);
    CHECK(error_of([&] { backend.drop({name}, forever); }).code() == Code::tenant_unknown);
    CHECK(error_of([&] { backend.rename({name}, {name + "x"}, forever); }).code() == Code::tenant_unknown);
    const auto connection = world.open(world.a);
    CHECK(ask(*connection, "SELECT who FROM mark") == world.a);
    REQUIRE(connection->end_lease() == db::Reuse::clean);
    backend.rename({world.a}, {name}, forever);
    connection->pin({name}, true);
    CHECK(ask(*connection, "SELECT who FROM mark") == world.a);
    connection->pin({world.a}, true);
    CHECK(error_of([&] { ask(*connection, "SELECT 1"); }).code() == Code::tenant_unknown);
}

TEST_CASE("postgres backend: of thirty creators at once one makes it, the others hear that it exists") {
    World world;
    world.backend->drop({world.a}, forever);
    std::atomic<int> made{0}, existing{0}, other{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 30; ++i)
        threads.emplace_back([&] {
            try {
                world.backend->create({world.a}, forever);
                ++made;
            } catch (const Error& error) {
                ++(error.code() == Code::exists ? existing : other);
            }
        });
    for (std::thread& thread : threads) thread.join();
    CHECK(made == 1);
    CHECK(existing == 29);
    CHECK(other == 0);
}

TEST_CASE("postgres backend: what belongs to no tenant is neither listed nor touched") {
    World world;
    world.outside.run("CREATE SCHEMA IF NOT EXISTS shared");
    const std::set<std::string> names = listed(*world.backend);
    CHECK(names.contains(world.a));
    for (const char* name :
         {"public", "shared", "pg_catalog", "information_schema", "pg_toast", "mtdb_parking", ""}) {
        CAPTURE(std::string(name));
        CHECK_FALSE(names.contains(name));
        if (*name == '\0') continue;
        CHECK(error_of([&] { world.backend->drop({name}, forever); }).code() == Code::permission);
        CHECK(error_of([&] { world.backend->create({name}, forever); }).code() == Code::permission);
        CHECK(error_of([&] { world.backend->rename({world.a}, {name}, forever); }).code() == Code::permission);
        CHECK(error_of([&] { world.backend->rename({name}, {"tz"}, forever); }).code() == Code::permission);
    }
    world.outside.run("DROP SCHEMA shared");
}

TEST_CASE("postgres backend: a name is a name, whatever stands in it") {
    World world;
    const std::string odd = "we\"ird'; DROP TABLE x --";
    world.backend->create({odd}, forever);
    CHECK(world.backend->exists({odd}, forever));
    const auto connection = world.open(odd);
    run(*connection, "CREATE TABLE t(x int)");
    CHECK(connection->standing(forever) == odd);
    int64_t statements = 0;
    CHECK(connection->run_script("INSERT INTO t VALUES(1); INSERT INTO t VALUES(2)", statements, forever));
    CHECK(ask(*connection, "SELECT count(*) FROM t") == "2");
    world.backend->drop({odd}, forever);
    CHECK_FALSE(world.backend->exists({odd}, forever));
}

TEST_CASE("postgres backend: a drop that breaks off says that some of it is done") {
    World world({{"drop.batch", "1"}});
    const auto holder = world.open(world.a);
    run(*holder, "CREATE TABLE aaa(x int)");
    run(*holder, "CREATE TABLE zzz(x int)");
    holder->begin({}, forever);
    run(*holder, "LOCK TABLE zzz");
    const Error error = error_of([&] { world.backend->drop({world.a}, within(500ms)); });
    CHECK(error.code() == Code::timeout);
    CHECK(error.effect() == Effect::committed);
    holder->rollback();
    CHECK(ask(*holder, "SELECT count(*) FROM zzz") == "0");
}

TEST_CASE("postgres backend: a schema of everything is dropped in small batches") {
    World world({{"drop.batch", "7"}});
    const auto connection = world.open(world.a);
    int64_t statements = 0;
    connection->run_script(
        "CREATE TYPE mood AS ENUM('a'); CREATE DOMAIN positive AS int CHECK (value > 0); CREATE TYPE pair AS (x int, "
        "y int);"
        "CREATE TABLE parent(id int PRIMARY KEY, m mood, p positive) PARTITION BY RANGE (id);"
        "CREATE TABLE one(id serial PRIMARY KEY, g int GENERATED ALWAYS AS IDENTITY, two int);"
        "CREATE TABLE two(id int PRIMARY KEY, one int REFERENCES one, parent int REFERENCES parent);"
        "ALTER TABLE one ADD FOREIGN KEY (two) REFERENCES two;"
        "CREATE TABLE base(x int); CREATE TABLE derived() INHERITS (base);"
        "CREATE VIEW v1 AS SELECT * FROM one; CREATE VIEW v2 AS SELECT * FROM v1; CREATE MATERIALIZED VIEW v3 AS "
        "SELECT * FROM v2;"
        "CREATE SEQUENCE alone; CREATE FUNCTION f(m mood) RETURNS mood LANGUAGE sql AS 'SELECT m';"
        "CREATE PROCEDURE p() LANGUAGE sql AS 'SELECT 1'; CREATE AGGREGATE total(int) (SFUNC = int4pl, STYPE = int);"
        "CREATE FUNCTION t() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';"
        "CREATE TRIGGER t BEFORE INSERT ON one FOR EACH ROW EXECUTE FUNCTION t();"
        "CREATE COLLATION c FROM \"C\"; CREATE TEXT SEARCH CONFIGURATION s (COPY = english)",
        statements, forever);
    std::string many;
    for (int i = 0; i < 30; ++i) {
        const std::string n = std::to_string(i);
        many += "CREATE TABLE part" + n + " PARTITION OF parent FOR VALUES FROM (" + n + ") TO (" +
                std::to_string(i + 1) + ");";
        many += "CREATE TABLE many" + n + "(id int PRIMARY KEY, s text);";
    }
    connection->run_script(many, statements, forever);
    world.outside.run("CREATE VIEW public.only_public_view AS SELECT id FROM " + world.a + ".one");
    CHECK(connection->end_lease() == db::Reuse::clean);
    world.backend->drop({world.a}, forever);
    CHECK_FALSE(world.backend->exists({world.a}, forever));
    CHECK(world.outside.ask("SELECT count(*) FROM " + world.b + ".mark") == "1");
}

TEST_CASE("postgres backend: databases are made, found, listed, renamed and dropped as tenants") {
    const auto backend = postgres_test::backend({{"tenancy", "database"}});
    const std::string name = "mtdb_d" + std::to_string(getpid());
    const db::Place place{"", "?dbname=" + name};
    const db::Place other{"", "?dbname=" + name + "x"};
    CHECK_FALSE(backend->exists(place, forever));
    CHECK(error_of([&] { backend->open(place, forever); }).code() == Code::tenant_unknown);
    backend->create(place, forever);
    CHECK(error_of([&] { backend->create(place, forever); }).code() == Code::exists);
    CHECK(listed(*backend).contains(name));
    {
        const auto connection = backend->open(place, forever);
        connection->pin(place, false);
        run(*connection, "CREATE TABLE t(x int)");
        CHECK(ask(*connection, "SELECT current_database() || current_schema()") == name + "public");
        CHECK(error_of([&] { backend->drop(place, within(300ms)); }).code() ==
              Code::timeout);  // it waits for the other to go
    }
    backend->rename(place, other, forever);
    CHECK_FALSE(backend->exists(place, forever));
    CHECK(backend->exists(other, forever));
    backend->drop(other, forever);
    CHECK(error_of([&] { backend->drop(other, forever); }).code() == Code::tenant_unknown);
    CHECK(error_of([&] { backend->drop({"", "?dbname=template1"}, forever); }).code() == Code::permission);
    CHECK(error_of([&] { backend->drop({}, forever); }).code() == Code::permission);
}

TEST_CASE("postgres backend: what cannot be connected to is said within the deadline, and never with a password") {
    const std::string secret = "s3cr3t-word";
    Error error = open_error("postgres://u:" + secret + "@127.0.0.1:1/db");
    CHECK(error.code() == Code::unavailable);
    CHECK(error.message().find(secret) == std::string::npos);
    CHECK(error.effect() == Effect::none);
    CHECK(open_error("postgres://u@no-such-host.invalid/db").code() == Code::unavailable);
    CHECK(open_error("host=/nowhere user=u").code() == Code::unavailable);
    const Silent silent;
    const std::string hanging = "postgres://u:" + secret + "@127.0.0.1:" + std::to_string(silent.port) + "/db";
    const auto before = std::chrono::steady_clock::now();
    CHECK(open_error(hanging, {}, within(200ms)).code() == Code::timeout);
    error = open_error(hanging, {{"connect_timeout_ms", "200"}});
    CHECK(error.code() == Code::unavailable);
    CHECK(error.message().find(secret) == std::string::npos);
    CHECK(std::chrono::steady_clock::now() - before < 3s);
    CHECK(open_error(server() + " dbname=mtdb_nowhere").code() == Code::not_found);
    CHECK(error_of([&] {
              pg::make({"postgres", "postgres://u:" + secret + "@h/db?bogus=1", {}}, Settings());
          }).code() == Code::invalid_argument);
    CHECK(error_of([&] {
              pg::make({"postgres", "postgres://u:" + secret + "%zz@h/db", {}}, Settings());
          })
              .message()
              .find(secret) == std::string::npos);
    CHECK(open_error(server(), {{"password_env", "MTDB_TEST_NOT_SET"}}).code() == Code::invalid_argument);
    CHECK(open_error(server(), {{"password_file", "/nowhere"}}).code() == Code::invalid_argument);
}

TEST_CASE("postgres backend: several hosts are tried in turn, each with its own time") {
    const Silent silent;
    const pg::Keywords known = pg::parse_target(server());
    const std::string port = known.contains("port") ? known.at("port") : "5432";
    const std::string url = "host=127.0.0.1,127.0.0.1," + known.at("host") + " port=1," +
                            std::to_string(silent.port) + "," + port + " user=" + known.at("user") +
                            " dbname=" + known.at("dbname") + " target_session_attrs=";
    for (const char* attributes : {"any", "read-write", "primary", "prefer-standby"}) {
        CAPTURE(std::string(attributes));
        const auto backend = pg::make({"postgres", url + attributes, {}}, Settings({{"connect_timeout_ms", "200"}}));
        CHECK(ask(*backend->open({}, within(10s)), "SELECT pg_is_in_recovery()") == "0");
    }
    const auto standby = pg::make({"postgres", server() + " target_session_attrs=standby", {}}, Settings());
    CHECK(error_of([&] { standby->open({}, within(5s)); }).code() == Code::unavailable);
}

TEST_CASE("postgres backend: a session begins with settings that its values can be read under") {
    World world;
    world.outside.run("DROP ROLE IF EXISTS mtdb_styled");
    world.outside.run("CREATE ROLE mtdb_styled SUPERUSER LOGIN");
    world.outside.run("ALTER ROLE mtdb_styled SET DateStyle = 'German'");
    world.outside.run("ALTER ROLE mtdb_styled SET IntervalStyle = 'sql_standard'");
    world.outside.run("ALTER ROLE mtdb_styled SET bytea_output = 'escape'");
    world.outside.run("ALTER ROLE mtdb_styled SET search_path = public");
    const auto backend = postgres_test::backend({{"application_name", "my app"}});
    const auto connection = backend->open({{}, "?user=mtdb_styled&options=-c%20work_mem%3D77kB"}, forever);
    CHECK(ask(*connection, "SHOW search_path") == "mtdb_parking");
    CHECK(ask(*connection, "SHOW work_mem") == "77kB");
    CHECK(ask(*connection, "SHOW application_name") == "my app");
    connection->pin({world.a}, true);
    CHECK(ask(*connection, "SELECT '2000-01-01'::date") == "10957");
    run(*connection, "RESET ALL");
    CHECK(ask(*connection, "SHOW DateStyle") == "ISO, MDY");
    CHECK(ask(*connection, "SHOW IntervalStyle") == "postgres");
    CHECK(ask(*connection, "SHOW work_mem") == "77kB");
    world.outside.run("DROP ROLE mtdb_styled");
}

TEST_CASE("postgres backend: extension schemas stand on every tenant's path, behind its own") {
    World world({{"postgres.extensions", "ext_one, ext two"}});
    world.outside.run("CREATE SCHEMA ext_one");
    world.outside.run("CREATE FUNCTION ext_one.answer() RETURNS int LANGUAGE sql AS 'SELECT 42'");
    const auto connection = world.open(world.a);
    CHECK(ask(*connection, "SELECT answer()") == "42");
    CHECK(ask(*connection, "SHOW search_path") ==
          "\"" + world.a + "\", pg_catalog, \"ext_one\", \"ext two\", pg_temp");
    CHECK_FALSE(listed(*world.backend).contains("ext_one"));
    world.outside.run("DROP SCHEMA ext_one CASCADE");
}

TEST_CASE("postgres backend: an extension schema with a table of somebody's is refused, and named") {
    World world;
    world.outside.run("CREATE SCHEMA ext_mixed");
    world.outside.run("CREATE TABLE ext_mixed.mine(id serial PRIMARY KEY)");
    const auto backend = postgres_test::backend({{"postgres.extensions", "ext_mixed"}});
    const Error error = error_of([&] { backend->open({world.a}, forever); });
    CHECK(error.code() == Code::invalid_argument);
    CHECK(error.message() ==
          "option postgres.extensions: 'ext_mixed.mine' belongs to no extension, and every tenant would see it");
    world.outside.run("DROP TABLE ext_mixed.mine");
    const auto connection = backend->open({world.a}, forever);
    connection->pin({world.a}, false);
    CHECK(ask(*connection, "SELECT 1") == "1");
    world.outside.run("DROP SCHEMA ext_mixed CASCADE");
}

TEST_CASE("postgres backend: the process keeps its signals, and a child that is executed gets no socket") {
    struct sigaction before {};
    struct sigaction after {};
    sigaction(SIGPIPE, nullptr, &before);
    World world;
    const auto connection = world.open(world.a);
    ask(*connection, "SELECT 1");
    sigaction(SIGPIPE, nullptr, &after);
    CHECK((before.sa_handler == after.sa_handler));
    int sockets = 0;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
        std::error_code unread;
        if (std::filesystem::read_symlink(entry, unread).string().find("socket:") == std::string::npos) continue;
        ++sockets;
        CHECK((fcntl(std::stoi(entry.path().filename().string()), F_GETFD) & FD_CLOEXEC) != 0);
    }
    CHECK(sockets >= 2);
}

TEST_CASE("postgres backend: its history tables are found where the session stands") {
    World world;
    const auto connection = world.open(world.a);
    const db::HistoryDialect& history = world.backend->dialect().history;
    CHECK(ask(*connection, history.tables_query) == "mark");
    run(*connection, "CREATE TABLE schema_migrations " + std::string(history.golang_columns));
    run(*connection, "CREATE TABLE flyway(installed_rank " + std::string(history.flyway_integer) + ", installed_on " +
                         std::string(history.flyway_timestamp) + ")");
}
