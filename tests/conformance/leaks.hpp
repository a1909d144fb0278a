// SPDX-License-Identifier: MIT
// The leak matrix: one connection, a first tenant that leaves something on it, a second that must not see it.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "harness.hpp"
#include "side.hpp"

namespace conformance {

enum class Sees {
    exactly,  // the value
    nothing,  // fails, or gives no row or NULL or ""
    fails
};

// What is left by statements and looked for by a query.
struct LeftBySql {
    const char* name;
    std::vector<const char*> leave;  // each may fail
    const char* look;                // "" looks at the tenant's own rows alone
    Sees sees;
    const char* value;
};
std::vector<LeftBySql> rows_of(std::string_view backend);
// The statements that move a connection into the tenant "lkb", each by itself.
std::vector<const char*> moves_of(std::string_view backend);

// One backend with the tenants lka and lkb; each has t(id, mark) with a row that is marked by its tenant, and more.
class Matrix {
public:
    Matrix(std::string backend, const std::string& url);
    void run();

private:
    harness::Db opened(const std::string& url) const;
    void make(const std::string& tenant);
    void remake();
    void row(const std::string& name, const std::function<void(mtdb_conn*)>& leave,
             const std::function<void(mtdb_conn*)>& look);
    void rows_by_sql();
    using Way = std::pair<std::string, std::function<void(mtdb_conn*)>>;
    void rows_by_way();
    std::vector<Way> transaction_ways();
    std::vector<Way> statement_ways();
    std::string endless() const;
    // A result of many rows, one of them read.
    harness::Result unread(mtdb_conn* conn, int64_t timeout_ms) const;
    void rows_by_move();
    void pins();
    struct Act {
        std::string name;
        std::function<harness::Answer(mtdb_conn*)> run;
    };
    std::vector<Act> acts() const;
    void nothing_ran(const harness::Answer& answer);
    void pin(const std::string& name, const std::function<void(Side&)>& meanwhile);
    void plans();
    void prepared_elsewhere();
    void public_objects();
    void cut_short(mtdb_conn* conn, const std::string& sql, int64_t timeout_ms);
    // What every second tenant must see, whatever was left: its own rows, its own namespace, and its writes land there.
    void own(mtdb_conn* conn, const std::string& tenant);
    std::string self(mtdb_conn* conn) const;
    bool server() const { return side_ != nullptr; }

    const std::string backend_;
    harness::Folder folder_;
    const std::string url_;
    std::unique_ptr<Side> side_;
    harness::Db db_;
    int64_t same_connection_ = 0, rows_ = 0;
};

}  // namespace conformance
