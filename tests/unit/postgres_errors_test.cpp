// SPDX-License-Identifier: MIT
#include "backends/postgres/errors.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace mtdb::backends::postgres;
using mtdb::Code;
using mtdb::Error;

TEST_CASE("postgres errors: a SQLSTATE has one code, the whole state before its class") {
    const struct {
        const char* sqlstate;
        Code code;
    } rows[] = {
        {"23505", Code::constraint},    {"23503", Code::constraint},
        {"40001", Code::serialization}, {"40P01", Code::serialization},
        {"40002", Code::constraint},    {"40000", Code::tx_lost},
        {"25006", Code::read_only},     {"25P02", Code::tx_lost},
        {"25001", Code::sql_error},     {"42501", Code::permission},
        {"42P01", Code::sql_error},     {"42P06", Code::exists},
        {"28P01", Code::auth},          {"28000", Code::auth},
        {"53300", Code::unavailable},   {"53100", Code::disk_full},
        {"53200", Code::nomem},         {"53400", Code::limit},
        {"54000", Code::limit},         {"55P03", Code::busy},
        {"57014", Code::cancelled},     {"57P01", Code::unavailable},
        {"57P03", Code::unavailable},   {"08006", Code::unavailable},
        {"3D000", Code::not_found},     {"0A000", Code::unsupported},
        {"XX001", Code::corrupt},       {"58030", Code::io},
        {"P0001", Code::sql_error},     {"22012", Code::sql_error},
        {"", Code::sql_error},
    };
    for (const auto& row : rows) {
        CAPTURE(std::string(row.sqlstate));
        CHECK(code_of(row.sqlstate) == row.code);
    }
}

TEST_CASE("postgres errors: a message keeps names and loses values") {
    CHECK(without_values("42P01", "relation \"orders\" does not exist") == "relation \"orders\" does not exist");
    CHECK(without_values("42601", "syntax error at or near \"selec\"") == "syntax error at or near \"selec\"");
    CHECK(without_values("42601", "syntax error at or near \"'hidden'\"") == "syntax error near a quoted text");
    CHECK(without_values("42601", "unterminated quoted string at or near \"E'hidden\"") ==
          "unterminated quoted string near a quoted text");
    CHECK(without_values("42601", "syntax error at or near \"$$hidden$$\"") == "syntax error near a quoted text");
    CHECK(without_values("22P02", "invalid input syntax for type integer: \"hidden\"") ==
          "invalid input syntax for type integer");
    CHECK(without_values("22008", "date/time field value out of range: \"hidden\"") ==
          "date/time field value out of range");
}

TEST_CASE("postgres errors: a position counts characters, ours counts lines and columns") {
    const Error error(Code::sql_error, "x");
    const std::string sql = "SELECT 'äöü',\n  what";
    CHECK(at_character(error, sql, 1).column() == 1);
    CHECK(at_character(error, sql, 8).column() == 8);
    const Error second = at_character(error, sql, 17);
    CHECK(second.line() == 2);
    CHECK(second.column() == 3);
    CHECK(at_character(error, sql, 0).line() == 0);
    CHECK(at_character(error, sql, 1000).line() == 2);
}

TEST_CASE("postgres errors: a connection that failed says why, by the server's state or libpq's words") {
    const auto code = [](const char* text) { return connect_error(text, "'h'").code(); };
    const Error error = connect_error(
        "connection to server at \"h\" (1.2.3.4), port 5432 failed: FATAL:  28P01: password authentication failed "
        "for user \"u\"\n"
        "LOCATION:  auth_failed, auth.c:332\n",
        "'h'");
    CHECK(error.code() == Code::auth);
    CHECK(error.sqlstate() == "28P01");
    CHECK(error.message() == "cannot connect to 'h': password authentication failed for user \"u\"");
    CHECK(code("... FATAL:  53300: sorry, too many clients already\n") == Code::unavailable);
    CHECK(connect_error("FATAL:  53300: sorry, too many clients already\n", "'h'").retryable());
    CHECK(code("FATAL:  3D000: database \"x\" does not exist\n") == Code::not_found);
    CHECK(code("could not translate host name \"h\" to address: Name or service not known\n") == Code::unavailable);
    CHECK(code("connection to server at \"h\" failed: Connection refused\n\tIs the server running?\n") ==
          Code::unavailable);
    CHECK(code("SSL error: certificate verify failed\n") == Code::auth);
    CHECK(code("server certificate for \"a\" does not match host name \"b\"\n") == Code::auth);
    CHECK(code("root certificate file \"/x\" does not exist\n") == Code::auth);
    CHECK(code("fe_sendauth: no password supplied\n") == Code::auth);
    CHECK(code("server does not support SSL, but SSL was required\n") == Code::unavailable);
    CHECK(code("whatever\n") == Code::unavailable);
}
