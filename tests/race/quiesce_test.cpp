// SPDX-License-Identifier: MIT
// Holds and flags that come and go while many threads take leases.
#include "engine/quiesce.hpp"
#include "race.hpp"

using namespace race;
using engine::HoldMode;
using engine::Quiesce;

namespace {

constexpr auto on_first_use = Setting{"tenant.create", "on_first_use"};

Wait soon() { return Wait{Deadline::in(milliseconds(20000))}; }

Ref<Quiesce> flags_of(const Ref<Db>& db, std::initializer_list<Setting> settings = {}) {
    engine::Options options;
    for (const Setting& each : settings) options.set_text(each.key, each.value);
    return Quiesce::open(db, options);
}

}  // namespace

TEST_CASE("no lease is out while a process is parked, and waiting ones are let in at the end") {
    const Folder folder;
    const Ref<Db> db = open(folder.url(), {on_first_use, {"sqlite.synchronous", "off"}});
    const Ref<Quiesce> flags =
        flags_of(db, {{"quiesce.refresh_ms", "10"}, {"quiesce.announce_ms", "1000"}, {"quiesce.leases", "wait"}});
    flags->enable(soon());
    std::atomic<bool> parked{false}, done{false};
    std::atomic<int> broken{0}, granted{0};
    together(5, [&](int i) {
        if (i > 0) {
            while (!done) {
                const Ref<Conn> conn = acquire(*db, "t" + std::to_string(i % 2));
                ++granted;
                if (parked) ++broken;
                number(*conn, "SELECT 1");
                if (parked) ++broken;
                if (i != 1) conn->close();  // else it is abandoned
            }
            return;
        }
        for (int round = 0; round < rounds(15); ++round) {
            flags->set("global", "test", "", 20000, false, soon());
            flags->wait_parked("global", soon())->close();
            parked = true;
            std::this_thread::yield();
            parked = false;
            const int before = granted;
            flags->clear("global", "test", {}, false, soon());
            while (granted == before) std::this_thread::yield();
        }
        done = true;
    });
    CHECK(broken == 0);
    db->close(soon());
}

TEST_CASE("a hold that cancels leaves no lease of its tenant, and the others alone") {
    const Folder folder;
    const Ref<Db> db = open(folder.url(), {on_first_use, {"sqlite.synchronous", "off"}});
    std::atomic<bool> held{false}, done{false};
    std::atomic<int> ended{0}, broken{0};
    for (const char* tenant : {"held", "free"})
        db->exec(tenant, "CREATE TABLE t(v)", nullptr, {20000, no_cancel});
    together(4, [&](int i) {
        const std::string tenant = i == 3 ? "free" : "held";
        if (i > 0) {
            while (!done) {
                const Ref<Conn> conn = acquire(*db, tenant);
                if (held && i != 3) ++broken;
                try {
                    conn->begin({}, conn->wait(20000, no_cancel, engine::Patience::query));
                    conn->exec("INSERT INTO t VALUES(1)", nullptr,
                               conn->wait(20000, no_cancel, engine::Patience::query));
                    conn->rollback();
                } catch (const Error& error) {
                    ++ended;
                    allow(error, {Code::tenant_held});
                    if (i == 3) FAIL_CHECK("another tenant's lease was ended");
                }
                conn->close();
            }
            return;
        }
        for (int round = 0; round < rounds(20); ++round) {
            db->hold_tenant("held", HoldMode::wait, true, Wait{Deadline::in(milliseconds(1))});
            held = true;
            std::this_thread::yield();
            held = false;
            db->resume_tenant("held");
        }
        done = true;
    });
    CHECK(broken == 0);
    CHECK(number(*acquire(*db, "held"), "SELECT count(*) FROM t") == 0);
    db->close(soon());
}

TEST_CASE("a db closes while its flags are read and leases wait for their end") {
    for (int round = 0; round < rounds(5); ++round) {
        const Ref<Db> db = open("sqlite::memory:", {on_first_use});
        const Ref<Quiesce> flags =
            flags_of(db, {{"quiesce.refresh_ms", "10"}, {"quiesce.announce_ms", "1000"}, {"quiesce.leases", "wait"}});
        flags->enable(soon());
        flags->set("global", "test", "", 20000, false, soon());
        flags->wait_parked("global", soon())->close();
        together(3, [&](int i) {
            if (i == 0) {
                std::this_thread::sleep_for(milliseconds(10));
                db->close(soon());
                return;
            }
            try {
                acquire(*db, "t");
                FAIL_CHECK("a lease was granted");
            } catch (const Error& error) {
                allow(error, {Code::closed});
            }
        });
    }
}
