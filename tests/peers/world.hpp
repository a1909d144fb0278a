// SPDX-License-Identifier: MIT
// One tenant that two tools migrate in turn.
#pragma once

#include <string>
#include <vector>

#include "harness.hpp"
#include "place.hpp"
#include "process.hpp"

namespace peers {

using Lines = std::vector<std::string>;

// The tenant, its folder of scripts, and mtdb with it.
class World {
public:
    World(const Place& place, const std::string& tenant);
    World(const World&) = delete;
    World& operator=(const World&) = delete;
    ~World();

    const Place& place() const { return place_; }
    const std::string& tenant() const { return tenant_; }
    const std::string& folder() const { return folder_.path(); }
    mtdb_db* db() { return db_.get(); }
    void write(const std::string& file, const std::string& text) const;
    void remove(const std::string& file) const;

    // Each with a migrator of its own: it reads the folder as it is now.
    using Settings = std::vector<std::pair<std::string, std::string>>;
    int64_t migrate(const Settings& settings = {});
    harness::Answer try_migrate(const Settings& settings = {});
    void undo(const std::string& target);
    void baseline(const std::string& version);
    void drop_tenant();
    void force(const std::string& version);
    Lines problems(const Settings& settings = {});                    // "version CODE"
    Lines info(const Settings& settings = {});                        // "version|description|type|state|checksum"
    Lines repair(int32_t apply = 1, const Settings& settings = {});   // "action version"
    std::string text(const std::string& sql) { return harness::text_in(db_.get(), tenant_, sql); }
    void run(const std::string& sql) { harness::must(harness::exec(db_.get(), tenant_, sql)); }

private:
    harness::Migrator migrator(const Settings& settings);

    const Place& place_;
    const std::string tenant_;
    harness::Folder folder_;
    harness::Db db_;
};

void same(const Lines& wanted, const Lines& got, harness::Place at = harness::Place::here());

// The stories, a case each.
void tell_flyway(const Place& place, Process& flyway);
void tell_golang(const Place& place, Process& golang);

}  // namespace peers
