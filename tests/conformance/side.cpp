// SPDX-License-Identifier: MIT
#include "side.hpp"

#include <libpq-fe.h>
#include <mysql.h>

#include <cstdlib>

#include "harness.hpp"

namespace conformance {

namespace {

using harness::check;
using harness::Failed;

void add(std::string& out, bool first, const char* text) {
    if (!first) out += ',';
    out += text != nullptr ? text : "NULL";
}

class Postgres final : public Side {
public:
    explicit Postgres(const std::string& database) {
        const std::string port = environment("MTDB_TEST_POSTGRES_PORT");
        const std::string target = "user=postgres host=" + environment("MTDB_TEST_POSTGRES_SOCKET_FOLDER") +
                                   " port=" + port + " dbname=" + (database.empty() ? "app" : database);
        connection_ = PQconnectdb(target.c_str());
        if (PQstatus(connection_) != CONNECTION_OK) {
            const std::string wrong = PQerrorMessage(connection_);
            PQfinish(connection_);
            throw Failed(wrong);
        }
        PQsetNoticeProcessor(
            connection_, [](void*, const char*) {}, nullptr);
        self = "SELECT pg_backend_pid()";
        kill = "SELECT pg_terminate_backend(?)";
    }
    Postgres(const Postgres&) = delete;
    ~Postgres() override { PQfinish(connection_); }

    std::string run(const std::string& sql) override {
        const std::unique_ptr<PGresult, void (*)(PGresult*)> result(PQexec(connection_, sql.c_str()), PQclear);
        const ExecStatusType status = PQresultStatus(result.get());
        check(status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK, sql + ": " + PQresultErrorMessage(result.get()));
        std::string out;
        for (int row = 0; row < PQntuples(result.get()); ++row)
            add(out, row == 0, PQgetisnull(result.get(), row, 0) != 0 ? nullptr : PQgetvalue(result.get(), row, 0));
        return out;
    }

private:
    PGconn* connection_;
};

class MariaDb final : public Side {
public:
    explicit MariaDb(const std::string& database) : connection_(mysql_init(nullptr)) {
        const std::string socket = environment("MTDB_TEST_MYSQL_SOCKET");
        if (mysql_real_connect(connection_, nullptr, "root", "", database.empty() ? nullptr : database.c_str(), 0,
                               socket.c_str(), 0) == nullptr) {
            const std::string wrong = mysql_error(connection_);
            mysql_close(connection_);
            throw Failed(wrong);
        }
        self = "SELECT CONNECTION_ID()";
        kill = "KILL ?";
    }
    MariaDb(const MariaDb&) = delete;
    ~MariaDb() override { mysql_close(connection_); }

    std::string run(const std::string& sql) override {
        check(mysql_real_query(connection_, sql.data(), sql.size()) == 0, sql + ": " + mysql_error(connection_));
        const std::unique_ptr<MYSQL_RES, void (*)(MYSQL_RES*)> result(mysql_store_result(connection_),
                                                                      mysql_free_result);
        std::string out;
        bool first = true;
        while (result) {
            const MYSQL_ROW row = mysql_fetch_row(result.get());
            if (row == nullptr) break;
            add(out, first, row[0]);
            first = false;
        }
        return out;
    }

private:
    MYSQL* connection_;
};

}  // namespace

std::string environment(const char* name) {
    const char* value = std::getenv(name);
    check(value != nullptr, std::string(name) + " is not set: run this under tests/servers/run");
    return value;
}

void Side::end(const std::string& connection) {
    std::string sql = kill;
    sql.replace(sql.find('?'), 1, connection);
    try {
        run(sql);
    } catch (const Failed&) {  // it is gone already
    }
}

void Side::await(const std::string& sql, const std::string& answer) {
    const int64_t end = harness::now_ms() + harness::plenty_ms;
    while (run(sql) != answer) {
        check(harness::now_ms() < end, sql + " never answers " + answer);
        harness::sleep_ms(2);
    }
}

std::unique_ptr<Side> side_of(const std::string& backend, const std::string& database) {
    if (backend.starts_with("postgres")) return std::make_unique<Postgres>(database);
    if (backend.starts_with("mariadb")) return std::make_unique<MariaDb>(database);
    return nullptr;
}

}  // namespace conformance
