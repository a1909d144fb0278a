// SPDX-License-Identifier: MIT
// Acquire and give back, warm, in a db that obeys a quiesce store whose flags were read lately; against one without.
#include "harness.hpp"

namespace bench {
namespace {

constexpr int64_t pairs = 200000;

double leases(mtdb_db* db) {
    const std::string tenant = "acme";
    const double spent = timed([&] {
        for (int64_t i = 0; i < pairs; ++i) give_back(acquire(db, tenant));
    });
    return spent / static_cast<double>(pairs);
}

}  // namespace

void gate() {
    const Folder folder;
    auto plain = open_db("sqlite::memory:");
    auto gated = open_db("sqlite::memory:");
    create_tenant(plain.get(), "acme");
    create_tenant(gated.get(), "acme");
    const std::string store = folder.path("control.sqlite");
    const Owned<mtdb_options> options = make_options({{"quiesce.store", store.c_str()}});
    mtdb_quiesce* quiesce = nullptr;
    MUST(mtdb_quiesce_new(gated.get(), options.get(), &quiesce, &bench_error));
    MUST(mtdb_quiesce_create(quiesce, MTDB_DEFAULT, nullptr, &bench_error));
    MUST(mtdb_quiesce_enable(quiesce, MTDB_DEFAULT, nullptr, &bench_error));
    const Figures figures = in_turns(15, [&] { return leases(gated.get()); }, [&] { return leases(plain.get()); });
    print("gate", "sqlite, flags in a file", "ns/lease", figures.ours, figures.peer, figures.ratio(), at_most(1.10));
    mtdb_quiesce_release(quiesce);
    close_db(std::move(plain));
    close_db(std::move(gated));
}

}  // namespace bench
