// SPDX-License-Identifier: MIT
// What the killed and the unplugged process does: it creates tenants, migrates them step by step, writes in every way
// there is, and acknowledges each finished act through a pipe. Afterwards: what must be found.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "harness.hpp"

namespace workload {

// One finished act, smaller than PIPE_BUF: it arrives whole or not at all.
struct Ack {
    enum Kind : int32_t { ready, created, migrated, wrote };
    int32_t kind;
    int32_t tenant;  // number
    int64_t batch;   // wrote: its id; migrated: the version
    int64_t rows;    // wrote: how many rows the batch has
};

constexpr int versions = 6;
inline std::string name_of(int tenant) { return "tenant-" + std::to_string(tenant); }

struct Plan {
    std::string root;
    std::string path = "{id}.db";
    std::string journal = "wal";
    int round = 0;       // makes ids unique among the rounds in one root
    int first_new = 0;   // number of the first tenant that this round may create
    uint64_t seed = 0;
    int64_t acts_max = 1 << 30;  // of each thread
};

// Runs until it is killed, or each thread has done acts_max.
void run(const Plan& plan, int acks);

// What was acknowledged, over all rounds in one root.
class Ledger {
public:
    void add(const Ack& ack);
    int next_tenant() const { return tenants_.empty() ? 0 : tenants_.rbegin()->first + 1; }
    int64_t writes() const { return writes_; }
    // Opens the root and throws Failed when anything acknowledged is missing, anything is half done, or a file is
    // damaged. Ends with every tenant at the newest version.
    void verify(const Plan& plan) const;

private:
    struct Known {
        int version = 0;
        std::map<int64_t, int64_t> batches;
    };
    void verify_tenant(mtdb_db* db, mtdb_migrator* migrator, const std::string& tenant, const Known& known) const;

    std::map<int, Known> tenants_;
    int64_t writes_ = 0;
};

}  // namespace workload
