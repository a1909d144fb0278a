// SPDX-License-Identifier: MIT
// The flags as go-bricks keeps them, on PostgreSQL: its rows are obeyed, and ours are as it expects them.
#include "engine/flag_store.hpp"
#include "unit/postgres_fixture.hpp"
#include "unit/quiesce_claims.hpp"

using namespace quiesce_test;

namespace {

// A schema of the test's own, and SQL as another program would run it.
class Schema {
public:
    Schema() {
        const char* url = std::getenv("MTDB_TEST_POSTGRES_SUPER");
        REQUIRE_MESSAGE(url != nullptr, "MTDB_TEST_POSTGRES_SUPER names no server: start one, it is not optional");
        url_ = url;
        postgres_test::Settings settings{{"tenancy", "server"}};
        backend_ = postgres_test::pg::make(mtdb::db::Url::parse(url_), settings);
        connection_ = backend_->open({}, soon());
        run("DROP SCHEMA IF EXISTS ops CASCADE");
        run("CREATE SCHEMA ops");
    }
    ~Schema() { run("DROP SCHEMA IF EXISTS ops CASCADE"); }

    const std::string& url() const { return url_; }
    void run(const std::string& sql) { text(sql); }
    std::string text(const std::string& sql) {
        const auto statement = connection_->prepare(sql, nullptr, soon());
        std::string value;
        while (statement->next(soon()))
            if (statement->value(0).type != mtdb::db::Type::null)
                value = mtdb::db::carrier_of(statement->value(0).type) == mtdb::db::Carrier::bytes
                            ? std::string(statement->value(0).view())
                            : std::to_string(statement->value(0).slot);
        return value;
    }
    std::shared_ptr<Store> store() const { return mtdb::engine::open_flag_store(url_, "ops.quiesce_flags"); }

private:
    std::string url_;
    std::unique_ptr<mtdb::db::Backend> backend_;
    std::unique_ptr<mtdb::db::Connection> connection_;
};

// Section by section as the Go version writes it, with its own clock.
constexpr const char* go_table =
    "CREATE TABLE IF NOT EXISTS \"ops\".\"quiesce_flags\" (id VARCHAR(64) PRIMARY KEY,"
    " set_at TIMESTAMP WITH TIME ZONE NOT NULL DEFAULT NOW(), set_by VARCHAR(255) NOT NULL DEFAULT '',"
    " reason TEXT NOT NULL DEFAULT '', expires_at TIMESTAMP WITH TIME ZONE NOT NULL,"
    " cleared_at TIMESTAMP WITH TIME ZONE)";

std::string go_set(const std::string& by, const std::string& ttl) {
    return "INSERT INTO ops.quiesce_flags (id, set_at, set_by, reason, expires_at, cleared_at) VALUES"
           " ('global', clock_timestamp(), '" + by + "', 'go', clock_timestamp() + interval '" + ttl + "', NULL)"
           " ON CONFLICT (id) DO UPDATE SET set_at = EXCLUDED.set_at, set_by = EXCLUDED.set_by,"
           " reason = EXCLUDED.reason, expires_at = EXCLUDED.expires_at, cleared_at = NULL";
}

}  // namespace

TEST_CASE("flags on PostgreSQL") {
    const Schema schema;
    const auto store = schema.store();
    CHECK(code_of([&] { store->read({}, soon()); }) == Code::not_found);
    store->create(soon());
    store->create(soon());
    keeps_flags(*store);
    keeps_announcements(*store);
    gives_a_flag_to_one([&] { return schema.store(); });
}

TEST_CASE("the table is the one that go-bricks makes") {
    Schema schema;
    schema.store()->create(soon());
    const std::string facts =
        "SELECT string_agg(column_name || ' ' || data_type || coalesce('(' || character_maximum_length || ')', '') ||"
        " ' ' || is_nullable || ' ' || coalesce(column_default, '-'), '; ' ORDER BY ordinal_position)"
        " FROM information_schema.columns WHERE table_schema = 'ops' AND table_name = 'quiesce_flags'";
    const std::string ours = schema.text(facts);
    schema.run("DROP TABLE ops.quiesce_flags");
    schema.run(go_table);
    CHECK(ours == schema.text(facts));
    CHECK(ours.find("id character varying(64) NO -; set_at timestamp with time zone NO now()") == 0);
}

TEST_CASE("a flag of the Go version is obeyed, belongs to nobody, and is continued") {
    Schema schema;
    schema.run(go_table);
    const auto store = schema.store();
    store->create(soon());
    CHECK(state_in(*store) == FlagState::none);
    schema.run(go_set("go-deploy", "10 minutes"));
    REQUIRE(flag_in(*store));
    CHECK(state_in(*store) == FlagState::active);
    CHECK(flag_in(*store)->set_by == "go-deploy");
    CHECK(flag_in(*store)->token.empty());
    CHECK(code_of([&] { set_in(*store); }) == Code::exists);
    CHECK(code_of([&] { store->clear("global", {}, false, soon()); }) == Code::permission);
    schema.run("UPDATE ops.quiesce_flags SET cleared_at = clock_timestamp()"
               " WHERE id = 'global' AND cleared_at IS NULL");
    CHECK(state_in(*store) == FlagState::cleared);
    const Flag mine = set_in(*store);
    CHECK(state_in(*store) == FlagState::active);
    schema.run(go_set("go-deploy", "1 millisecond"));
    wait_for_expiry(*store, "global");
    CHECK(state_in(*store) == FlagState::expired);
    CHECK(code_of([&] { store->renew("global", mine.token, 1000, soon()); }) == Code::permission);
}

TEST_CASE("a flag that the Go version overwrote is no longer its first owner's") {
    Schema schema;
    const auto store = schema.store();
    store->create(soon());
    const Flag mine = set_in(*store);
    schema.run(go_set("go-deploy", "10 minutes"));
    CHECK(code_of([&] { store->renew("global", mine.token, 1000, soon()); }) == Code::permission);
    CHECK(code_of([&] { store->clear("global", mine.token, false, soon()); }) == Code::permission);
    CHECK(code_of([&] { store->clear("global", mine.token, true, soon()); }) == Code::ok);
    CHECK(schema.text("SELECT set_by FROM ops.quiesce_flags") == "go-deploy");
}

TEST_CASE("what is written is what the Go version reads") {
    Schema schema;
    const auto store = schema.store();
    store->create(soon());
    const Flag flag = set_in(*store, "global", 90'000);
    const std::string row = "SELECT count(*)::text FROM ops.quiesce_flags WHERE id = 'global' AND set_by = 'deploy-7'"
                            " AND reason = 'schema change' AND expires_at - set_at = interval '90 seconds'"
                            " AND abs(extract(epoch FROM clock_timestamp() - set_at)) < 60 AND cleared_at IS ";
    CHECK(schema.text(row + "NULL") == "1");
    CHECK(schema.text("SELECT (extract(epoch FROM set_at) * 1000000)::bigint::text FROM ops.quiesce_flags") ==
          std::to_string(flag.set_at));
    store->clear("global", flag.token, false, soon());
    CHECK(schema.text(row + "NOT NULL") == "1");
    set_in(*store, "tenant:acme");
    CHECK(schema.text("SELECT string_agg(id, ',') FROM ops.quiesce_flags") == "global");
}

TEST_CASE("a flag without end, written by hand, is active and can be cleared by force") {
    Schema schema;
    const auto store = schema.store();
    store->create(soon());
    schema.run("INSERT INTO ops.quiesce_flags (id, expires_at) VALUES ('global', 'infinity')");
    CHECK(state_in(*store) == FlagState::active);
    CHECK(flag_in(*store)->expires_at == control::no_end);
    CHECK(code_of([&] { store->clear("global", {}, true, soon()); }) == Code::ok);
    CHECK(schema.text("SELECT expires_at::text FROM ops.quiesce_flags") == "infinity");
}

TEST_CASE("a writer that holds the row makes us wait, and what it wrote is seen") {
    Schema schema;
    const auto store = schema.store();
    store->create(soon());
    schema.run(go_set("first", "10 minutes"));
    schema.run("UPDATE ops.quiesce_flags SET cleared_at = clock_timestamp()");
    schema.run("BEGIN");
    schema.run(go_set("second", "10 minutes"));
    Code code = Code::ok;
    std::thread setter([&] { code = code_of([&] { set_in(*schema.store()); }); });
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    schema.run("COMMIT");
    setter.join();
    CHECK(code == Code::exists);
    CHECK(flag_in(*store)->set_by == "second");
}
