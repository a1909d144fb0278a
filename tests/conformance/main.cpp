// SPDX-License-Identifier: MIT
// Usage: conformance BACKEND URL|VARIABLE [PART]: echo, sqlite, postgres/schema, postgres/database or mariadb, at a url
// or at the one in an environment variable (MTDB_TEST_...); only the claims that hold PART. sqlite takes a new folder.
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <optional>

#include "suite.hpp"

int main(int argc, char** argv) {
    using namespace conformance;
    if (argc < 3) {
        std::fprintf(stderr, "usage: conformance BACKEND URL|VARIABLE [PART]\n");
        return 2;
    }
    try {
        std::string url = argv[2];
        if (url.starts_with("MTDB_TEST_")) {
            const char* given = std::getenv(argv[2]);
            harness::check(given != nullptr, url + " is not set: run this under tests/servers/run");
            url = given;
        }
        std::optional<harness::Folder> folder;
        if (url == "sqlite:") url += folder.emplace(harness::Folder::Kind::speedy).path();
        Suite suite(backend_of(argv[1], url), argc > 3 ? argv[3] : "");
        for (const auto claims : {claim_tenants, claim_leases, claim_statements, claim_batches, claim_types,
                                  claim_transactions, claim_errors, claim_waits, claim_migrations, claim_fleets,
                                  claim_telemetry, claim_holds})
            claims(suite);
        return suite.summary();
    } catch (const std::exception& error) {
        std::fprintf(stderr, "conformance: %s\n", error.what());
        return 1;
    }
}
