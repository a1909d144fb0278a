// SPDX-License-Identifier: MIT
#include "engine/gate.hpp"

#include <fstream>

#include "race.hpp"

using namespace race;

namespace {

class Scripts {
public:
    explicit Scripts(const std::string& sql) { write(sql); }
    void write(const std::string& sql) { std::ofstream(folder_.path() + "/1_first.up.sql") << sql; }
    const char* path() const { return folder_.path().c_str(); }

private:
    Folder folder_;
};

}  // namespace

TEST_CASE(
    "twenty threads meet a tenant that must be migrated: it is migrated once, and all get their "
    "leases") {
    for (int round = 0; round < rounds(4); ++round) {
        const Folder folder;
        const Scripts scripts("CREATE TABLE x(i); INSERT INTO x VALUES(1);");
        const Ref<Db> db = open(folder.url(), {{"tenant.create", "on_first_use"},
                                               {"migrate.source", scripts.path()},
                                               {"migrate.mode", "auto"},
                                               {"sqlite.synchronous", "off"}});
        std::atomic<int> served{0};
        together(20, [&](int) {
            try {
                const Ref<Conn> conn = acquire(*db, "t");
                if (number(*conn, "SELECT count(*) FROM x") == 1) ++served;
            } catch (const Error& error) {
                FAIL_CHECK(error.what());
            }
        });
        CHECK(served == 20);
    }
}

TEST_CASE(
    "a script that fails fails all who wait with its error, and is tried again after the "
    "back-off") {
    const Folder folder;
    const Scripts scripts("INSERT INTO switch VALUES(1);");
    {
        const Ref<Db> db = open(folder.url(), {{"tenant.create", "on_first_use"}});
        db->exec("t", "CREATE TABLE other(i)", nullptr, {20000, no_cancel});
    }
    const Ref<Db> db = open(folder.url(), {{"migrate.source", scripts.path()},
                                           {"migrate.mode", "auto"},
                                           {"migrate.backoff_ms", "2000"},
                                           {"sqlite.synchronous", "off"}});
    std::atomic<int> failed{0};
    together(20, [&](int) {
        try {
            acquire(*db, "t");
        } catch (const Error& error) {
            allow(error, {Code::migration_failed});
            if (error.script() == "1_first.up.sql") ++failed;
        }
    });
    CHECK(failed == 20);
    {
        const Ref<Db> plain = open(folder.url());
        plain->exec("t", "CREATE TABLE switch(i)", nullptr, {20000, no_cancel});
    }
    // Within the back-off the error is repeated; afterwards the script runs.
    int64_t repeated = 0;
    for (;;) {
        try {
            const Ref<Conn> conn = acquire(*db, "t");
            CHECK(number(*conn, "SELECT count(*) FROM switch") == 1);
            break;
        } catch (const Error& error) {
            allow(error, {Code::migration_failed});
            ++repeated;
            Wait{}.pause(milliseconds(20));
        }
    }
    CHECK(repeated > 0);
}

TEST_CASE("a lease that the gate refuses is given back, not abandoned") {
    const Folder folder;
    const Scripts scripts("CREATE TABLE x(i);");
    const Ref<Db> db = open(folder.url(), {{"tenant.create", "on_first_use"},
                                           {"migrate.source", scripts.path()},
                                           {"migrate.mode", "check"}});
    CHECK_THROWS_AS(acquire(*db, "t"), Error);
    std::vector<char> buffer(4096);
    int64_t rows = 0, used = 0, dropped = 0;
    db->poll_events(buffer.data(), 4096, Wait{Deadline::in(milliseconds(0))}, rows, used, dropped);
    for (int32_t r = 0; r < rows; ++r)
        CHECK(db::BlockView::parse(buffer.data(), used).at(r, 4).view() != "lease.abandoned");
}
