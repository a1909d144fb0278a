// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include "engine/db.hpp"
#include "sqlite_fixture.hpp"

using namespace mtdb;
using engine::Conn;
using engine::Db;
using engine::Ref;

namespace {

const Ref<engine::Cancel> no_cancel;

Ref<Db> open(const std::string& url, std::string_view key, std::string_view value) {
    engine::Options options;
    options.set_text("tenant.create", "on_first_use");
    options.set_text(key, value);
    return Db::open(url, options);
}

// The option that the last of so many leases of each tenant runs into; empty when it gets them all.
std::string bound_met(Db& db, int tenants, int leases) {
    std::vector<Ref<Conn>> held;
    try {
        for (int t = 0; t < tenants; ++t)
            for (int i = 0; i < leases; ++i)
                held.push_back(db.acquire("t" + std::to_string(t), {}, {300, no_cancel}));
    } catch (const Error& error) {
        CHECK(error.code() == Code::pool_exhausted);
        return error.limit();
    }
    return "";
}

}  // namespace

TEST_CASE("each bound of the pools is the option that sets it") {
    const sqlite_test::Folder folder;
    const std::string url = "sqlite:" + folder.root.string();
    struct Row {
        const char* key;
        const char* value;
        int tenants, leases;
    };
    for (const Row& row : {Row{"pool.size_max", "2", 1, 3}, Row{"tenant.leases_max", "2", 1, 3},
                           Row{"pool.tenants_max", "2", 3, 1}, Row{"connections_max", "3", 2, 2},
                           Row{"files_max", "8", 3, 1}, Row{"memory_max_bytes", "1", 1, 2}}) {
        CAPTURE(row.key);
        CHECK(bound_met(*open(url, row.key, row.value), row.tenants, row.leases) == row.key);
    }
    CHECK(bound_met(*open(url, "pool.size_max", "3"), 3, 3) == "");
}
