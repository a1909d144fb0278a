// SPDX-License-Identifier: MIT
// Where what belongs to all tenants together is kept: a SQLite file, or a namespace of its own on a server.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "db/backend.hpp"
#include "engine/options.hpp"

namespace mtdb::engine {

class ControlStore {
public:
    // `url` is a server's url or a SQLite file's path, made when it is not there; `name` is the namespace on a
    // server.
    ControlStore(std::string_view url, std::string name, const Wait& wait);

    const db::Dialect& dialect() const { return backend_->dialect(); }
    // One of its own for the caller, who ends it before the store.
    std::unique_ptr<db::Connection> connect(const Wait& wait);

private:
    const Options options_;
    std::unique_ptr<db::Backend> backend_;
    db::Place place_;
};

// The control store of a db: option `control`, else a file below the folder of its tenants. Null: it has none.
std::unique_ptr<ControlStore> control_store_of(const Options& options, const std::string& root, const Wait& wait);

}  // namespace mtdb::engine
