// SPDX-License-Identifier: MIT
// One look at a file that nobody writes to, which leaves nothing beside it: no write-ahead log, no shared memory.
#pragma once

#include <sys/stat.h>

#include <memory>
#include <string>

#include "backends/sqlite/connection.hpp"
#include "backends/sqlite/files.hpp"
#include "db/backend.hpp"

namespace mtdb::backends::sqlite {

class Glance final : public db::Glance {
public:
    // Null: its log holds something, or somebody may be writing it back.
    static std::unique_ptr<Glance> at(const Root& root, const std::string& path,
                                      const std::shared_ptr<const Config>& config, const Wait& wait);

    db::Connection& connection() override { return *connection_; }
    bool held() override;

private:
    struct State {
        bool quiet = false;  // there is no log, or an empty one
        struct stat file {};
    };
    Glance(const Root& root, std::string path, State before) : root_(root), path_(std::move(path)), before_(before) {}
    static State look(const Root& root, const std::string& path);

    const Root& root_;  // the backend's
    const std::string path_;
    const State before_;
    bool logs_ = false;  // writers keep a write-ahead log
    std::unique_ptr<Connection> connection_;
};

}  // namespace mtdb::backends::sqlite
