// SPDX-License-Identifier: MIT
// The rows of the leak matrix that statements can leave.
#include "leaks.hpp"

namespace conformance {

namespace {

std::vector<LeftBySql> postgres_settings() {
    return {
        {"SET search_path", {"SET search_path TO lka, public"}, "", Sees::exactly, ""},
        {"SET LOCAL search_path", {"BEGIN", "SET LOCAL search_path TO lka", "COMMIT"}, "", Sees::exactly, ""},
        {"set_config of the path", {"SELECT set_config('search_path', 'lka', false)"}, "", Sees::exactly, ""},
        {"SET ROLE",
         {"SET ROLE guest"},
         "SELECT current_user = session_user AND current_user <> 'guest'",
         Sees::exactly,
         "t"},
        {"SET SESSION AUTHORIZATION",
         {"SET SESSION AUTHORIZATION guest"},
         "SELECT CAST(session_user AS text) <> 'guest'",
         Sees::exactly,
         "t"},
        {"RESET ALL", {"RESET ALL"}, "", Sees::exactly, ""},
        {"DISCARD ALL", {"DISCARD ALL"}, "", Sees::exactly, ""},
        {"DISCARD PLANS after a prepared read", {"SELECT mark FROM t", "DISCARD PLANS"}, "", Sees::exactly, ""},
        {"DEALLOCATE ALL", {"SELECT mark FROM t", "DEALLOCATE ALL"}, "", Sees::exactly, ""},
        {"statement_timeout",
         {"SET statement_timeout = 12345"},
         "SELECT current_setting('statement_timeout') = '12345ms'",
         Sees::exactly,
         "f"},
        {"TimeZone",
         {"SET TimeZone = 'Asia/Kolkata'"},
         "SELECT current_setting('TimeZone') = 'Asia/Kolkata'",
         Sees::exactly,
         "f"},
        {"work_mem", {"SET work_mem = '77MB'"}, "SELECT current_setting('work_mem') = '77MB'", Sees::exactly, "f"},
        {"default_transaction_read_only",
         {"SET default_transaction_read_only = on"},
         "SELECT current_setting('default_transaction_read_only')",
         Sees::exactly,
         "off"},
        {"SET SESSION CHARACTERISTICS",
         {"SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL SERIALIZABLE"},
         "SELECT current_setting('default_transaction_isolation')",
         Sees::exactly,
         "read committed"},
        {"client_encoding", {"SET client_encoding = 'LATIN1'"}, "SELECT chr(233)", Sees::exactly, "\xc3\xa9"},
        {"standard_conforming_strings",
         {"SET standard_conforming_strings = off"},
         "SELECT 'a\\b'",
         Sees::exactly,
         "a\\b"},
        {"DateStyle",
         {"SET DateStyle = 'German'"},
         "SELECT CAST(DATE '2024-02-01' AS text)",
         Sees::exactly,
         "2024-02-01"},
        {"bytea_output",
         {"SET bytea_output = 'escape'"},
         "SELECT CAST('\\x00ff'::bytea AS text)",
         Sees::exactly,
         "\\x00ff"},
        {"user variables", {"SET lk.secret = 'of a'"}, "SELECT current_setting('lk.secret', true)", Sees::nothing, ""},
    };
}

std::vector<LeftBySql> postgres_objects() {
    return {
        {"temporary tables",
         {"CREATE TEMP TABLE t(id BIGINT, mark TEXT)", "INSERT INTO pg_temp.t VALUES(1, 'temporary')"},
         "SELECT count(*) FROM pg_class WHERE relpersistence = 't' AND relname = 't' AND pg_table_is_visible(oid)",
         Sees::exactly,
         "0"},
        {"temporary views",
         {"CREATE TEMP VIEW seen AS SELECT 'temporary' AS mark"},
         "SELECT mark FROM seen",
         Sees::fails,
         ""},
        {"prepared statements", {"PREPARE lk AS SELECT mark FROM t"}, "EXECUTE lk", Sees::fails, ""},
        {"cursors", {"DECLARE lk CURSOR WITH HOLD FOR SELECT mark FROM t"}, "FETCH ALL FROM lk", Sees::fails, ""},
        {"LISTEN", {"LISTEN lk"}, "SELECT count(*) FROM pg_listening_channels()", Sees::exactly, "0"},
        {"advisory locks",
         {"SELECT pg_advisory_lock(4711)"},
         "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()",
         Sees::exactly,
         "0"},
        {"shared advisory locks",
         {"SELECT pg_advisory_lock_shared(4711)"},
         "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()",
         Sees::exactly,
         "0"},
        {"currval", {"SELECT nextval('s')"}, "SELECT currval('s')", Sees::fails, ""},
        {"lastval", {"SELECT nextval('s')"}, "SELECT lastval()", Sees::fails, ""},
        {"an open transaction",
         {"BEGIN", "INSERT INTO t(id, mark) VALUES(9, 'uncommitted')"},
         "SELECT count(*) FROM t WHERE id = 9",
         Sees::exactly,
         "0"},
        {"a failed transaction", {"BEGIN", "SELECT nothing", "SELECT 1"}, "", Sees::exactly, ""},
        {"a prepared transaction",
         {"BEGIN", "PREPARE TRANSACTION 'lk'", "ROLLBACK PREPARED 'lk'"},
         "",
         Sees::exactly,
         ""},
        {"a function that moves the path", {"SELECT move()"}, "", Sees::exactly, ""},
        {"a function that moves the path, in a transaction",
         {"BEGIN", "SELECT move()", "COMMIT"},
         "",
         Sees::exactly,
         ""},
        {"COPY that nobody reads", {"COPY t TO STDOUT"}, "", Sees::exactly, ""},
        {"COPY that nobody feeds", {"COPY t FROM STDIN"}, "", Sees::exactly, ""},
        {"DO that moves the path",
         {"DO $$ BEGIN PERFORM set_config('search_path', 'lka', false); END $$"},
         "",
         Sees::exactly,
         ""},
        {"session settings of a loaded module", {"LOAD 'auto_explain'"}, "", Sees::exactly, ""},
    };
}

std::vector<LeftBySql> mariadb_settings() {
    return {
        {"USE", {"USE lka"}, "", Sees::exactly, ""},
        {"USE of another, in a transaction", {"BEGIN", "USE information_schema", "COMMIT"}, "", Sees::exactly, ""},
        {"SET ROLE", {"SET ROLE guest"}, "SELECT CURRENT_ROLE()", Sees::nothing, ""},
        {"user variables", {"SET @secret = 'of a'"}, "SELECT @secret", Sees::nothing, ""},
        {"user variables by SELECT", {"SELECT mark INTO @secret FROM t LIMIT 1"}, "SELECT @secret", Sees::nothing, ""},
        {"autocommit",
         {"SET autocommit = 0", "INSERT INTO t(id, mark) VALUES(9, 'uncommitted')"},
         "SELECT @@autocommit",
         Sees::exactly,
         "1"},
        {"sql_mode", {"SET sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES'"}, "SELECT \"text\"", Sees::exactly, "text"},
        {"foreign_key_checks", {"SET foreign_key_checks = 0"}, "SELECT @@foreign_key_checks", Sees::exactly, "1"},
        {"unique_checks", {"SET unique_checks = 0"}, "SELECT @@unique_checks", Sees::exactly, "1"},
        {"time_zone", {"SET time_zone = '+05:30'"}, "SELECT @@session.time_zone = '+05:30'", Sees::exactly, "0"},
        {"SET NAMES", {"SET NAMES latin1"}, "SELECT '\xc3\xa9'", Sees::exactly, "\xc3\xa9"},
        {"isolation",
         {"SET SESSION TRANSACTION ISOLATION LEVEL SERIALIZABLE"},
         "SELECT @@tx_isolation",
         Sees::exactly,
         "REPEATABLE-READ"},
        {"isolation of the next transaction", {"SET TRANSACTION READ ONLY"}, "", Sees::exactly, ""},
        {"tx_read_only", {"SET SESSION TRANSACTION READ ONLY"}, "SELECT @@tx_read_only", Sees::exactly, "0"},
        {"insert_id", {"SET insert_id = 777"}, "SELECT @@insert_id", Sees::exactly, "0"},
        {"timestamp", {"SET timestamp = 86400"}, "SELECT YEAR(NOW()) > 2000", Sees::exactly, "1"},
        {"sql_select_limit", {"SET sql_select_limit = 0"}, "SELECT count(*) > 0 FROM t", Sees::exactly, "1"},
        {"max_statement_time", {"SET max_statement_time = 77"}, "SELECT @@max_statement_time = 77", Sees::exactly, "0"},
        {"lock_wait_timeout", {"SET lock_wait_timeout = 77"}, "SELECT @@lock_wait_timeout = 77", Sees::exactly, "0"},
    };
}

std::vector<LeftBySql> mariadb_objects() {
    return {
        {"temporary tables",
         {"CREATE TEMPORARY TABLE t(id BIGINT, mark TEXT)", "INSERT INTO t VALUES(1, 'temporary')"},
         "",
         Sees::exactly,
         ""},
        {"temporary tables of another's database",
         {"CREATE TEMPORARY TABLE lkb.t(id BIGINT, mark TEXT)"},
         "",
         Sees::exactly,
         ""},
        {"prepared statements", {"PREPARE lk FROM 'SELECT mark FROM t'"}, "EXECUTE lk", Sees::fails, ""},
        {"advisory locks", {"SELECT GET_LOCK('lk', 0)"}, "SELECT IS_USED_LOCK('lk')", Sees::nothing, ""},
        {"LOCK TABLES", {"LOCK TABLES t WRITE"}, "", Sees::exactly, ""},
        {"LOCK TABLES of another's", {"LOCK TABLES lkb.t READ"}, "", Sees::exactly, ""},
        {"HANDLER", {"HANDLER t OPEN"}, "HANDLER t READ FIRST", Sees::fails, ""},
        {"LAST_INSERT_ID", {"INSERT INTO g(mark) VALUES('x')"}, "SELECT LAST_INSERT_ID()", Sees::exactly, "0"},
        {"LAST_INSERT_ID of a value", {"SELECT LAST_INSERT_ID(4711)"}, "SELECT LAST_INSERT_ID()", Sees::exactly, "0"},
        {"FOUND_ROWS",
         {"SELECT SQL_CALC_FOUND_ROWS seq FROM seq_1_to_99 LIMIT 1"},
         "SELECT FOUND_ROWS() < 2",
         Sees::exactly,
         "1"},
        {"ROW_COUNT",
         {"INSERT INTO t(id, mark) SELECT seq, 'lka' FROM seq_100_to_150"},
         "SELECT ROW_COUNT() < 2",
         Sees::exactly,
         "1"},
        {"warnings", {"SELECT CAST('x' AS INTEGER)"}, "SELECT @@warning_count", Sees::exactly, "0"},
        {"LASTVAL of a sequence", {"SELECT NEXTVAL(s)"}, "SELECT LASTVAL(s)", Sees::nothing, ""},
        {"an open transaction",
         {"BEGIN", "INSERT INTO t(id, mark) VALUES(9, 'uncommitted')"},
         "SELECT count(*) FROM t WHERE id = 9",
         Sees::exactly,
         "0"},
        {"a savepoint", {"BEGIN", "SAVEPOINT lk"}, "ROLLBACK TO lk", Sees::fails, ""},
        {"an XA transaction",
         {"XA START 'lk'", "INSERT INTO t(id, mark) VALUES(9, 'uncommitted')"},
         "",
         Sees::exactly,
         ""},
        {"a procedure's variables", {"CALL move()"}, "SELECT @secret", Sees::nothing, ""},
        {"DROP DATABASE of its own", {"DROP DATABASE lka"}, "", Sees::exactly, ""},
    };
}

std::vector<LeftBySql> sqlite_rows() {
    return {
        {"temporary tables",
         {"CREATE TEMP TABLE t(id BIGINT, mark TEXT)", "INSERT INTO temp.t VALUES(1, 'temporary')"},
         "",
         Sees::exactly,
         ""},
        {"temporary views",
         {"CREATE TEMP VIEW seen AS SELECT 'temporary' AS mark"},
         "SELECT mark FROM seen",
         Sees::fails,
         ""},
        {"temporary triggers",
         {"CREATE TEMP TRIGGER lk AFTER INSERT ON t BEGIN UPDATE t SET mark = 'temporary'; END"},
         "",
         Sees::exactly,
         ""},
        {"last_insert_rowid",
         {"INSERT INTO t(id, mark) VALUES(4711, 'lka')"},
         "SELECT last_insert_rowid()",
         Sees::exactly,
         "0"},
        {"an open transaction",
         {"BEGIN", "INSERT INTO t(id, mark) VALUES(9, 'uncommitted')"},
         "SELECT count(*) FROM t WHERE id = 9",
         Sees::exactly,
         "0"},
        {"foreign_keys", {"PRAGMA foreign_keys = off"}, "PRAGMA foreign_keys", Sees::exactly, "1"},
        {"query_only", {"PRAGMA query_only = on"}, "", Sees::exactly, ""},
        {"ATTACH", {"ATTACH 'lka.db' AS other"}, "SELECT mark FROM other.t", Sees::fails, ""},
    };
}

}  // namespace

std::vector<LeftBySql> rows_of(std::string_view backend) {
    std::vector<LeftBySql> rows;
    const auto add = [&](const std::vector<LeftBySql>& more) { rows.insert(rows.end(), more.begin(), more.end()); };
    if (backend.starts_with("postgres")) {
        add(postgres_settings());
        add(postgres_objects());
    } else if (backend.starts_with("mariadb")) {
        add(mariadb_settings());
        add(mariadb_objects());
    } else if (backend == "sqlite") {
        add(sqlite_rows());
    }
    return rows;
}

std::vector<const char*> moves_of(std::string_view backend) {
    if (backend.starts_with("postgres"))
        return {"SET search_path TO lkb",
                "SET LOCAL search_path TO lkb",
                "SELECT set_config('search_path', 'lkb', false)",
                "SELECT move()",
                "RESET search_path",
                "DISCARD ALL",
                "RESET ALL"};
    if (backend.starts_with("mariadb")) return {"USE lkb", "USE information_schema", "USE `mysql`"};
    return {};
}

}  // namespace conformance
