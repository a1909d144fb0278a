// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include "migrate/act.hpp"

using namespace mtdb::migrate;

namespace {

mtdb::db::Dialect committing() {
    mtdb::db::Dialect dialect;
    dialect.transactional_ddl = false;
    dialect.lexis = {.style = mtdb::db::PlaceholderStyle::question,
                     .bracket_quotes = false,
                     .backslash_escapes = true,
                     .hash_comments = true,
                     .named_sigils = ""};
    return dialect;
}
mtdb::db::Dialect undoing() {
    mtdb::db::Dialect dialect;
    dialect.lexis = {.style = mtdb::db::PlaceholderStyle::dollar,
                     .backtick_quotes = false,
                     .bracket_quotes = false,
                     .dollar_quotes = true,
                     .named_sigils = ""};
    return dialect;
}

std::string objects(std::string_view sql) {
    std::string out;
    for (const Act::Object& object : act_of(sql, committing()).objects)
        out += (out.empty() ? "" : ", ") + object.kind + " " + object.name;
    return out;
}

}  // namespace

TEST_CASE("a definition names the objects that it changes") {
    CHECK(objects("CREATE TABLE a (id INT, b INT)") == "TABLE a");
    CHECK(objects("CREATE TABLE IF NOT EXISTS `d`.`a b` LIKE c") == "TABLE `d`.`a b`");
    CHECK(objects("CREATE TEMPORARY TABLE a (id INT)").empty());
    CHECK(objects("ALTER ONLINE TABLE a ADD COLUMN b INT, ADD KEY (b)") == "TABLE a");
    CHECK(objects("ALTER TABLE a EXCHANGE PARTITION p WITH TABLE b").empty());
    CHECK(objects("DROP TABLE IF EXISTS a, b.c") == "TABLE a, TABLE b.c");
    CHECK(objects("CREATE UNIQUE INDEX i ON a (x)") == "TABLE a");
    CHECK(objects("DROP INDEX i ON a") == "TABLE a");
    CHECK(objects("ALTER TABLE a RENAME TO b") == "TABLE a");
    CHECK(objects("RENAME TABLE a TO b, c TO d") == "TABLE a, TABLE b, TABLE c, TABLE d");
    CHECK(objects("CREATE OR REPLACE DEFINER=`x`@`y` SQL SECURITY INVOKER VIEW v AS SELECT 1") == "TABLE v");
    CHECK(objects("CREATE DEFINER = CURRENT_USER TRIGGER t BEFORE INSERT ON a FOR EACH ROW SET NEW.x = 1") ==
          "TRIGGER t");
    CHECK(objects("DROP PROCEDURE IF EXISTS p") == "PROCEDURE p");
    CHECK(objects("CALL p()").empty());
}

TEST_CASE("words tell what commits with its own row, what may run again, and what a session keeps") {
    const auto act = [](std::string_view sql) { return act_of(sql, committing()); };
    for (const auto* sql : {"INSERT INTO a VALUES (1)", "UPDATE a SET b = 1", "WITH x AS (SELECT 1) SELECT * FROM x",
                            "DELETE FROM a", "REPLACE INTO a VALUES (1)"})
        CHECK(act(sql).transactional);
    for (const auto* sql : {"CREATE TABLE a (b INT)", "CALL p()", "TRUNCATE a", "LOCK TABLES a WRITE",
                            "EXECUTE IMMEDIATE 'CREATE TABLE a (b INT)'", "EXECUTE s"})
        CHECK_FALSE(act(sql).transactional);
    for (const auto* sql : {"CREATE TABLE IF NOT EXISTS a (b INT)", "CREATE OR REPLACE VIEW v AS SELECT 1",
                            "DROP TABLE IF EXISTS a", "FLUSH PRIVILEGES", "OPTIMIZE TABLE a"})
        CHECK(act(sql).again);
    CHECK_FALSE(act("CREATE TABLE a (b INT)").again);
    CHECK(act("SET NAMES utf8mb4").repeated);
    CHECK(act("SET @a = 1").session);
    CHECK_FALSE(act("SET @a = 1").repeated);
    CHECK_FALSE(act("SET x = (SELECT 1)").repeated);
    CHECK(act("CREATE TEMPORARY TABLE a (b INT)").session);
    CHECK(act("LOCK TABLES a WRITE").locks_tables);
    CHECK(act("FLUSH TABLES WITH READ LOCK").locks_tables);
    CHECK_FALSE(act("FLUSH TABLES").locks_tables);
    CHECK(act("UNLOCK TABLES").unlocks_tables);
    CHECK(act("/*!40101 SET NAMES utf8 */").repeated);
    CHECK(act("(SELECT 1) UNION (SELECT 2)").transactional);
}

TEST_CASE("where only some statements cannot be in a transaction, the others are in one") {
    const auto act = [](std::string_view sql) { return act_of(sql, undoing()); };
    CHECK(act("CREATE TABLE a (b int)").transactional);
    CHECK_FALSE(act("CALL p()").transactional);
    const Act index = act("CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS \"I\" ON a (b)");
    CHECK_FALSE(index.transactional);
    CHECK(index.concurrently);
    CHECK(index.index == "\"I\"");
    CHECK(act("CREATE INDEX CONCURRENTLY ON a (b)").index.empty());
    CHECK(act("DROP INDEX CONCURRENTLY s.i").index_dropped);
    CHECK(act("VACUUM a").again);
    const Act label = act("ALTER TYPE mood ADD VALUE 'ok'");
    CHECK(label.enumeration == "mood");
    CHECK_FALSE(label.again);
    CHECK(act("ALTER TYPE mood ADD VALUE IF NOT EXISTS 'ok'").again);
    CHECK(act("SET search_path = a").repeated);
    for (const auto* sql : {"CREATE TEMP TABLE a (b int)", "SELECT set_config('a.b', 'c', false)", "LISTEN a"}) {
        CHECK(act(sql).session);
        CHECK_FALSE(act(sql).repeated);
    }
    CHECK_FALSE(act("CREATE TABLE temp (b int)").session);
}

TEST_CASE("what can be seen before and now tells whether a statement was done") {
    const auto said = [](std::string_view sql, std::string_view before, std::string_view now) {
        return verdict(act_of(sql, committing()), before, now);
    };
    CHECK(said("CREATE TABLE a (b INT)", "TABLE a absent", "TABLE a absent") == Verdict::not_started);
    CHECK(said("CREATE TABLE a (b INT)", "TABLE a absent", "TABLE a 01") == Verdict::done);
    CHECK(said("DROP TABLE a, b", "TABLE a 01, TABLE b 02", "TABLE a absent, TABLE b 02") == Verdict::unknown);
    CHECK(said("DROP TABLE IF EXISTS a, b", "TABLE a 01, TABLE b 02", "TABLE a absent, TABLE b 02") ==
          Verdict::not_started);
    CHECK(said("CALL p()", "", "") == Verdict::unknown);
    CHECK(said("EXECUTE IMMEDIATE 'DROP TABLE a'", "", "") == Verdict::unknown);
    const auto pg = [](std::string_view sql, std::string_view before, std::string_view now) {
        return verdict(act_of(sql, undoing()), before, now);
    };
    CHECK(pg("CREATE INDEX CONCURRENTLY i ON a (b)", "INDEX i absent", "INDEX i invalid") == Verdict::not_started);
    CHECK(pg("CREATE INDEX CONCURRENTLY i ON a (b)", "INDEX i absent", "INDEX i valid") == Verdict::done);
    CHECK(pg("CREATE INDEX CONCURRENTLY i ON a (b)", "INDEX i valid", "INDEX i valid") == Verdict::not_started);
    CHECK(pg("DROP INDEX CONCURRENTLY i", "INDEX i valid", "INDEX i absent") == Verdict::done);
    CHECK(pg("DROP INDEX CONCURRENTLY i", "INDEX i absent", "INDEX i absent") == Verdict::not_started);
    const auto* const label = "ALTER TYPE m ADD VALUE 'b c'";
    CHECK(pg(label, "TYPE m a", "TYPE m a,b c") == Verdict::done);
    CHECK(pg(label, "TYPE m a", "TYPE m a,b") == Verdict::unknown);
    CHECK(pg(label, "TYPE m a,b c", "TYPE m a,b c") == Verdict::not_started);
}

TEST_CASE("tables that are emptied or renamed are looked at in their own way") {
    const auto said = [](std::string_view sql, std::string_view before, std::string_view now) {
        return verdict(act_of(sql, committing()), before, now);
    };
    CHECK(objects("TRUNCATE TABLE a.b") == "ROWS a.b");
    CHECK(said("TRUNCATE a", "ROWS a 01", "ROWS a 01") == Verdict::not_started);
    CHECK(said("TRUNCATE a", "ROWS a 01", "ROWS a empty") == Verdict::done);
    CHECK(said("TRUNCATE a", "ROWS a 01", "ROWS a 02") == Verdict::unknown);  // somebody wrote since
    CHECK(said("TRUNCATE a", "ROWS a empty", "ROWS a 02") == Verdict::unknown);
    const auto* const swap = "RENAME TABLE a TO t, b TO a, t TO b";
    const auto* const state = "TABLE a 01, TABLE t absent, TABLE b 02, TABLE a 01, TABLE t absent, TABLE b 02";
    CHECK(said(swap, state, state) == Verdict::unknown);
    CHECK(said("RENAME TABLE a TO old, b TO a", "TABLE a 01, TABLE old absent, TABLE b 01, TABLE a 01",
               "TABLE a 01, TABLE old 01, TABLE b absent, TABLE a 01") == Verdict::done);
    CHECK(said("RENAME TABLE a TO b", "TABLE a 01, TABLE b absent", "TABLE a 01, TABLE b absent") ==
          Verdict::not_started);
}
