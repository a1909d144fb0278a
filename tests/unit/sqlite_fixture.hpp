// SPDX-License-Identifier: MIT
// A folder of tenants that is gone afterwards, and short ways to talk to a connection.
#pragma once

#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "backends/sqlite/sqlite.hpp"
#include "db/backend.hpp"

namespace sqlite_test {

using mtdb::Code;
using mtdb::Deadline;
using mtdb::Effect;
using mtdb::Error;
using mtdb::Wait;
namespace db = mtdb::db;
namespace fs = std::filesystem;
using namespace std::chrono_literals;

inline const Wait forever = Wait::forever();

struct Setting {
    const char* key;
    const char* value;
};

class Settings : public db::Settings {
public:
    Settings(std::initializer_list<Setting> changes = {}) {
        for (const Setting& change : changes) values_[change.key] = change.value;
    }
    std::string text(std::string_view key) const override { return values_.find(key)->second; }
    int64_t integer(std::string_view key) const override { return std::stoll(text(key)); }
    bool boolean(std::string_view key) const override { return text(key) == "true"; }

private:
    std::map<std::string, std::string, std::less<>> values_{
        {"tenant.path", "{id}.db"},
        {"tenant.shared", ""},
        {"tenant.memory_max_bytes", "0"},
        {"route.outside", "false"},
        {"pool.size_max", "8"},
        {"sqlite.journal", "wal"},
        {"sqlite.synchronous", "full"},
        {"sqlite.foreign_keys", "true"},
        {"sqlite.cache_kib", "2000"},
        {"sqlite.mmap_bytes", "0"},
        {"sqlite.length_max_bytes", "0"},
        {"sqlite.wal_size_max_bytes", "67108864"},
        {"sqlite.checkpoint_pages", "1000"},
    };
};

inline std::unique_ptr<db::Statement> prepare(db::Connection& connection, std::string_view sql) {
    return connection.prepare(sql, nullptr, forever);
}

inline int64_t run(db::Connection& connection, std::string_view sql) {
    const auto statement = prepare(connection, sql);
    statement->run(forever);
    return statement->affected();
}

// The first row's first value as text; "NULL", or "none" without a row.
inline std::string ask(db::Connection& connection, std::string_view sql) {
    const auto statement = prepare(connection, sql);
    if (!statement->next(forever)) return "none";
    const db::Value value = statement->value(0);
    switch (value.type) {
        case db::Type::int64:
            return std::to_string(value.slot);
        case db::Type::float64:
            return std::to_string(value.real());
        case db::Type::null:
            return "NULL";
        default:
            return std::string(value.view());
    }
}

// The error that `work` throws; fails the test when it throws none.
template <class Work>
Error error_of(Work&& work) {
    try {
        work();
    } catch (const Error& error) {
        return error;
    }
    FAIL("nothing was thrown");
    return Error(Code::internal, "");
}

class Folder {
public:
    Folder(std::initializer_list<Setting> changes = {}) {
        const char* base = std::getenv("TMPDIR");
        std::string name = std::string(base == nullptr ? "/tmp" : base) + "/mtdb-unit-XXXXXX";
        path_ = mkdtemp(name.data());
        root = path_ / "root";
        fs::create_directory(root);
        backend = reopen(changes);
    }
    Folder(const Folder&) = delete;
    ~Folder() {
        backend.reset();
        std::error_code ignored;
        fs::permissions(root, fs::perms::owner_all, ignored);
        fs::remove_all(path_, ignored);
    }

    std::unique_ptr<db::Backend> reopen(std::initializer_list<Setting> changes = {}) const {
        return mtdb::backends::sqlite::make({"sqlite", root.string()}, Settings(changes));
    }
    std::unique_ptr<db::Connection> open(const std::string& path) {
        return backend->open({path}, forever);
    }
    std::unique_ptr<db::Connection> make(const std::string& path) {
        backend->create({path}, forever);
        return open(path);
    }
    void write(const std::string& path, std::string_view bytes) const {
        std::ofstream(root / path, std::ios::binary) << bytes;
    }
    fs::path outside() const { return path_; }

    fs::path root;
    std::unique_ptr<db::Backend> backend;

private:
    fs::path path_;
};

inline std::vector<std::string> all(db::TenantCursor& cursor) {
    std::vector<std::string> out;
    while (auto path = cursor.next()) out.push_back(*path);
    std::sort(out.begin(), out.end());
    return out;
}

}  // namespace sqlite_test
