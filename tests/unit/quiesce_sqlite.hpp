// SPDX-License-Identifier: MIT
// An SQLite file that is gone afterwards, and another program's hand on it.
#pragma once

#include <doctest/doctest.h>
#include <sqlite3.h>
#include <stdlib.h>

#include <filesystem>
#include <string>

namespace quiesce_test {

class SqliteFile {
public:
    SqliteFile() {
        char name[] = "/tmp/mtdb-quiesce-XXXXXX";
        REQUIRE(mkdtemp(name) != nullptr);
        folder_ = name;
    }
    ~SqliteFile() { std::filesystem::remove_all(folder_); }
    SqliteFile(const SqliteFile&) = delete;
    SqliteFile& operator=(const SqliteFile&) = delete;

    std::string path() const { return folder_ + "/control.db"; }
    void run(const std::string& sql) const { text(sql); }
    // The first column of the last row.
    std::string text(const std::string& sql) const {
        sqlite3* handle = nullptr;
        REQUIRE(sqlite3_open(path().c_str(), &handle) == SQLITE_OK);
        std::string value;
        const auto keep = [](void* to, int, char** columns, char**) {
            *static_cast<std::string*>(to) = columns[0] != nullptr ? columns[0] : "";
            return 0;
        };
        const int result = sqlite3_exec(handle, sql.c_str(), keep, &value, nullptr);
        CAPTURE(sqlite3_errmsg(handle));
        CHECK(result == SQLITE_OK);
        sqlite3_close(handle);
        return value;
    }

private:
    std::string folder_;
};

}  // namespace quiesce_test
