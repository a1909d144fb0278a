// SPDX-License-Identifier: MIT
// What the benchmarks of fleets share: tenants that every tool reaches, scripts in the layout of each, and one run of
// each tool over them.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "peers/place.hpp"
#include "peers/process.hpp"
#include "servers.hpp"

namespace bench {

// Times MTDB_SCALE, which is 1 when it is not set; at least 20.
int64_t scaled(int64_t count);
std::string counted(int64_t count, const char* what);  // "1000 schemas"

using Names = std::vector<std::string>;
Names part_of(const Names& names, std::size_t index, std::size_t parts);

enum class Backend { postgres, mysql, sqlite_wal, sqlite_delete };
const char* name_of(Backend backend);
// What stands for a tenant: "schemas", "databases", "files".
const char* tenants_of(Backend backend);

// Where the tenants are. All tools connect by TCP, with a password and without TLS; all are durable: the servers as
// tests/servers starts them (fsync on, every commit flushed), SQLite with synchronous=FULL.
class Grounds {
public:
    explicit Grounds(Backend backend);

    Backend backend() const { return backend_; }
    const peers::Place& place() const { return place_; }
    Folder& folder() { return folder_; }
    const PostgresDatabase& postgres() const { return *postgres_; }
    // New tenants without a table; their names differ from those of other series.
    Names make(char series, int64_t count);
    // PostgreSQL: mtdb connects as PostgresDatabase::connect() does, by the server's socket.
    void use_socket() { place_.url = postgres_->url(); }
    std::string file(const std::string& tenant) const { return tenants_.path(tenant + ".db"); }
    // A db over them whose ledger is a file beside them.
    Owned<mtdb_db> open() const;

private:
    Backend backend_;
    Folder folder_;   // scripts, lists, the ledger
    Folder tenants_;  // SQLite's
    std::optional<PostgresDatabase> postgres_;
    std::optional<MysqlDatabases> mysql_;
    peers::Place place_;
};

// The first `count` of five scripts, in a folder of the layout.
enum class Layout { flyway, golang };
std::string write_scripts(Folder& folder, Layout layout, std::size_t count = 5);
constexpr int64_t all_scripts = 5;

// Each side runs its tool over the tenants and returns microseconds a tenant; fails unless every one of them is done
// and the scripts applied are as many as expected.
struct Run {
    std::string scripts;  // the folder
    int64_t expected = 0;
    int workers = 4;
    bool trust = false;  // the ledger
};
double fleet_of_mtdb(const Grounds& grounds, const Names& tenants, const Run& run);

class Flyway {  // its library in one JVM
public:
    Flyway();
    double migrate(Grounds& grounds, const Names& tenants, const Run& run);

private:
    peers::Process process_;
};

class Golang {  // golang-migrate's library
public:
    Golang();
    double migrate(Grounds& grounds, const Names& tenants, const Run& run);

private:
    peers::Process process_;
};

// Where tests/peers/make put them.
std::string peers_folder();
std::vector<std::string> flyway_command();
// As one request to it, or to one of its own.
std::vector<std::string> flyway_request(const peers::Place& place, const std::string& tenant,
                                        const std::string& scripts);

}  // namespace bench
