// SPDX-License-Identifier: MIT
// What the race tests share: a scale, threads that start together, a db, and short ways to use it.
#pragma once

#include <doctest/doctest.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <latch>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "engine/db.hpp"
#include "engine/migrator.hpp"

namespace race {

using namespace mtdb;
using base::milliseconds;
using engine::Cancel;
using engine::Conn;
using engine::Db;
using engine::Ref;
using engine::Result;
using engine::Stmt;

// How many rounds: MTDB_SCALE multiplies them.
inline int rounds(int count) {
    const char* scale = std::getenv("MTDB_SCALE");
    return count * (scale != nullptr ? std::max(1, std::atoi(scale)) : 1);
}

// Runs work(0) to work(count - 1) at the same time.
inline void together(int count, const std::function<void(int)>& work) {
    std::latch start(count);
    std::vector<std::thread> threads;
    for (int i = 0; i < count; ++i)
        threads.emplace_back([&, i] {
            start.arrive_and_wait();
            work(i);
        });
    for (std::thread& thread : threads) thread.join();
}

struct Setting {
    const char* key;
    const char* value;
};

inline Ref<Db> open(const std::string& url, std::initializer_list<Setting> settings = {}) {
    engine::Options options;
    for (const Setting& each : settings) options.set_text(each.key, each.value);
    return Db::open(url, options);
}

inline const Ref<Cancel> no_cancel;

inline Ref<Conn> acquire(Db& db, const std::string& tenant, int64_t timeout_ms = 20000,
                         const Ref<Cancel>& cancel = no_cancel) {
    return db.acquire(tenant, {}, {timeout_ms, cancel});
}

// The first row's first value; -1 without one.
inline int64_t number(Conn& conn, std::string_view sql, const Wait& wait = Wait::forever()) {
    const Ref<Result> result = conn.query(sql, nullptr, wait, {});
    const int64_t value = result->next() ? result->value(0).slot : -1;
    result->close();
    return value;
}

// True when the code is one of those that the race allows; others fail the test.
inline void allow(const Error& error, std::initializer_list<Code> codes) {
    for (const Code code : codes)
        if (error.code() == code) return;
    const std::string name = base::name_of(static_cast<int32_t>(error.code()));
    FAIL_CHECK("unexpected ", name, ": ", error.message());
}

// A folder that is gone afterwards.
class Folder {
public:
    Folder() {
        const char* base = std::getenv("TMPDIR");
        path_ = std::string(base == nullptr ? "/tmp" : base) + "/mtdb-race-XXXXXX";
        REQUIRE(mkdtemp(path_.data()) != nullptr);
    }
    Folder(const Folder&) = delete;
    ~Folder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    std::string url() const { return "sqlite:" + path_; }
    const std::string& path() const { return path_; }

private:
    std::string path_;
};

}  // namespace race
