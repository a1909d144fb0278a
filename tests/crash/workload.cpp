// SPDX-License-Identifier: MIT
#include "workload.hpp"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <thread>
#include <vector>

namespace workload {

using namespace harness;

namespace {

// Each script leaves three marks: a table, a row in it, and a row in `steps`. With the history row they make four.
std::string script(int version) {
    const std::string number = std::to_string(version);
    const std::string table = "step_" + number;
    std::string sql = version == 1 ? "CREATE TABLE steps(version INTEGER);"
                                     "CREATE TABLE rows(batch INTEGER, item INTEGER, size INTEGER, pad TEXT);"
                                     "CREATE INDEX rows_by_batch ON rows(batch);"
                                   : "CREATE INDEX rows_" + number + " ON rows(size);";
    sql +=
        "CREATE TABLE " + table + "(v, pad);INSERT INTO " + table + " VALUES(" + number + ", hex(randomblob(3000)));";
    if (version > 1) sql += "DROP INDEX rows_" + number + ";";
    return sql + "INSERT INTO steps VALUES(" + number + ")";
}

Migrator migrator_of(mtdb_db* db) {
    Migrator migrator = new_migrator(db);
    for (int version = 1; version <= versions; ++version) add_script(migrator.get(), version, script(version));
    return migrator;
}

Db open(const Plan& plan) {
    return open_db(plan.root, {{"tenant.path", plan.path},
                               {"sqlite.journal", plan.journal},
                               {"sqlite.checkpoint_pages", "40"},
                               {"pool.tenants_max", "3"}});  // files close and open again all the time
}

class Worker {
public:
    Worker(const Plan& plan, int acks) : plan_(plan), acks_(acks), db_(open(plan)), migrator_(migrator_of(db_.get())) {}

    void run() {
        for (int tenant = std::max(0, plan_.first_new - 4); tenant < plan_.first_new; ++tenant) add(tenant);
        if (tenants_.empty()) found_tenant(plan_.first_new);
        send({Ack::ready, 0, 0, 0});
        std::vector<std::thread> threads;
        threads.emplace_back([this] { guarded([this] { grow(); }); });
        for (int number = 1; number <= 2; ++number)
            threads.emplace_back([this, number] { guarded([this, number] { write(number); }); });
        for (auto& thread : threads) thread.join();
        check(failure_.empty(), failure_);
        must(close_db(db_.get()));
    }

private:
    template <class Body>
    void guarded(Body&& body) {
        try {
            body();
        } catch (const std::exception& error) {
            const std::lock_guard lock(mutex_);
            failure_ = error.what();
        }
    }

    void send(const Ack& ack) const {
        check(::write(acks_, &ack, sizeof ack) == static_cast<ssize_t>(sizeof ack), "cannot acknowledge");
    }
    void add(int tenant) {
        const std::lock_guard lock(mutex_);
        tenants_.push_back(tenant);
    }
    int any_tenant(Random& random) {
        const std::lock_guard lock(mutex_);
        return tenants_[static_cast<std::size_t>(pick(random, 0, static_cast<int64_t>(tenants_.size()) - 1))];
    }

    void step_to(int tenant, int version) {
        must(migrate(migrator_.get(), name_of(tenant), std::to_string(version)));
        send({Ack::migrated, tenant, version, 0});
    }

    void found_tenant(int tenant) {
        // A killed round may have made it without saying so.
        const Answer made = create(db_.get(), name_of(tenant));
        must_be_one_of({MTDB_OK, MTDB_EXISTS}, made);
        if (made.ok()) send({Ack::created, tenant, 0, 0});
        must_be_one_of({MTDB_OK}, migrate(migrator_.get(), name_of(tenant), "1"));
        send({Ack::migrated, tenant, 1, 0});
        add(tenant);
    }

    // Creates tenants and migrates each to its own version.
    void grow() {
        Random random(plan_.seed);
        int next = plan_.first_new + 1;
        for (int64_t act = 0; act < plan_.acts_max; ++act) {
            const int tenant = next < plan_.first_new + 12 ? next++ : any_tenant(random);
            found_tenant(tenant);
            const auto last = static_cast<int>(pick(random, 1, versions));
            for (int version = 2; version <= last; ++version) {
                const Answer answer = migrate(migrator_.get(), name_of(tenant), std::to_string(version));
                must(answer);
                send({Ack::migrated, tenant, version, 0});
            }
        }
    }

    static std::string values(int64_t batch, int64_t item, int64_t size) {
        return "(" + std::to_string(batch) + "," + std::to_string(item) + "," + std::to_string(size) +
               ",hex(randomblob(" + std::to_string(10 + batch % 700) + ")))";
    }

    void write_transaction(int tenant, int64_t batch, int64_t size) {
        const Conn conn = lease(db_.get(), name_of(tenant));
        must(begin(conn.get()));
        for (int64_t item = 0; item < size; ++item)
            must(exec(conn.get(), "INSERT INTO rows VALUES" + values(batch, item, size)));
        must(commit(conn.get()));
        send({Ack::wrote, tenant, batch, size});
        must(give_back(conn.get()));
    }

    void write_block(int tenant, int64_t batch, int64_t size) {
        mtdb_block* made = nullptr;
        ok([&](mtdb_error** err) { return mtdb_block_new(&made, err); });
        const Block block(made);
        const std::string pad(static_cast<std::size_t>(batch % 200), 'x');
        for (int64_t item = 0; item < size; ++item) {
            ok([&](mtdb_error** err) { return mtdb_block_add_int64(made, batch, err); });
            ok([&](mtdb_error** err) { return mtdb_block_add_int64(made, item, err); });
            ok([&](mtdb_error** err) { return mtdb_block_add_int64(made, size, err); });
            ok([&](mtdb_error** err) { return mtdb_block_add_text(made, pad.c_str(), -1, err); });
            ok([&](mtdb_error** err) { return mtdb_block_end_row(made, err); });
        }
        const void* data = nullptr;
        int64_t bytes = 0;
        ok([&](mtdb_error** err) { return mtdb_block_data(made, &data, &bytes, err); });
        const Conn conn = lease(db_.get(), name_of(tenant));
        mtdb_stmt* prepared = nullptr;
        ok([&](mtdb_error** err) {
            return mtdb_stmt_prepare(conn.get(), "INSERT INTO rows VALUES(?,?,?,?)", -1, plenty_ms, nullptr, &prepared,
                                     err);
        });
        const Stmt stmt(prepared);
        ok([&](mtdb_error** err) { return mtdb_stmt_bind_block(prepared, data, bytes, err); });
        mtdb_result* ran = nullptr;
        ok([&](mtdb_error** err) { return mtdb_stmt_execute(prepared, plenty_ms, nullptr, &ran, err); });
        const Result result(ran);
        send({Ack::wrote, tenant, batch, size});
        must(give_back(conn.get()));
    }

    void write(int number) {
        Random random(plan_.seed + static_cast<uint64_t>(number));
        for (int64_t act = 0; act < plan_.acts_max; ++act) {
            const int tenant = any_tenant(random);
            const int64_t batch = (int64_t{plan_.round} * 4 + number) * 1000000 + act;
            switch (pick(random, 0, 2)) {
                case 0:
                    must(exec(db_.get(), name_of(tenant), "INSERT INTO rows VALUES" + values(batch, 0, 1)));
                    send({Ack::wrote, tenant, batch, 1});
                    break;
                case 1: write_transaction(tenant, batch, pick(random, 2, 5)); break;
                default: write_block(tenant, batch, pick(random, 2, 40)); break;
            }
        }
    }

    const Plan& plan_;
    const int acks_;
    const Db db_;
    const Migrator migrator_;
    std::mutex mutex_;
    std::vector<int> tenants_;
    std::string failure_;
};

std::vector<std::string> tenants_of(mtdb_db* db) {
    mtdb_result* listed = nullptr;
    ok([&](mtdb_error** err) { return mtdb_tenant_list(db, plenty_ms, nullptr, &listed, err); });
    const Result result(listed);
    std::vector<std::string> names;
    while (ask([&](mtdb_error** err) { return mtdb_result_next(listed, err); }).status == MTDB_OK)
        names.emplace_back(mtdb_value_text(listed, 0, nullptr));
    return names;
}

// The steps whose four marks are there; throws when some of a step's are there and others not.
int whole_version(mtdb_db* db, const std::string& tenant) {
    const auto versions_in = [&](const std::string& sql) { return text_in(db, tenant, sql); };
    const std::string tables =
        versions_in("SELECT substr(name, 6) FROM sqlite_master WHERE type='table' AND name GLOB 'step_*' ORDER BY 1");
    if (versions_in("SELECT count(*) FROM sqlite_master WHERE name='flyway_schema_history'") == "0") {
        check(tables.empty(), tenant + " has steps " + tables + " but no history");
        return 0;
    }
    const std::string history =
        versions_in("SELECT version FROM flyway_schema_history WHERE success AND version IS NOT NULL ORDER BY 1");
    check(tables == history, tenant + " is half-migrated: tables of " + tables + ", history of " + history);
    if (history.empty()) return 0;
    const std::string steps = versions_in("SELECT version FROM steps ORDER BY 1");
    check(steps == history, tenant + " is half-migrated: rows of " + steps + ", history of " + history);
    check(versions_in("SELECT count(*) FROM sqlite_master WHERE type='index' AND name GLOB 'rows_[0-9]'") == "0",
          tenant + " has the index of an unfinished step");
    const auto count = static_cast<int>(std::count(history.begin(), history.end(), ',')) + 1;
    std::string expected;
    for (int version = 1; version <= count; ++version) {
        expected += (version > 1 ? "," : "") + std::to_string(version);
        check(versions_in("SELECT v FROM step_" + std::to_string(version)) == std::to_string(version),
              tenant + ": step " + std::to_string(version) + " has no row");
    }
    check(history == expected, tenant + " has a gap in its history: " + history);
    return count;
}

}  // namespace

void run(const Plan& plan, int acks) { Worker(plan, acks).run(); }

void Ledger::add(const Ack& ack) {
    if (ack.kind == Ack::ready) return;
    Known& known = tenants_[ack.tenant];
    if (ack.kind == Ack::migrated) known.version = std::max(known.version, static_cast<int>(ack.batch));
    if (ack.kind == Ack::wrote && known.batches.emplace(ack.batch, ack.rows).second) ++writes_;
}

void Ledger::verify_tenant(mtdb_db* db, mtdb_migrator* migrator, const std::string& tenant, const Known& known) const {
    const std::string healthy = text_in(db, tenant, "PRAGMA integrity_check");
    check(healthy == "ok", tenant + ": integrity_check says " + healthy);
    const int version = whole_version(db, tenant);
    check(version >= known.version, tenant + " is at version " + std::to_string(version) + ", acknowledged was " +
                                        std::to_string(known.version));
    if (version > 0) {
        const std::string torn =
            text_in(db, tenant, "SELECT batch FROM rows GROUP BY batch HAVING count(*)<>max(size)");
        check(torn.empty(), tenant + " has parts of batches " + torn);
        std::map<int64_t, int64_t> found;
        std::string all = text_in(db, tenant, "SELECT DISTINCT batch FROM rows") + ",";
        for (std::size_t at = 0; at + 1 < all.size(); at = all.find(',', at) + 1) ++found[std::stoll(all.substr(at))];
        for (const auto& [batch, rows] : known.batches)
            check(found.contains(batch), tenant + " lost batch " + std::to_string(batch) + ", which was acknowledged");
    }
    int64_t applied = -1;
    must(migrate(migrator, tenant, "latest", &applied));
    check(applied == versions - version, tenant + ": " + std::to_string(applied) + " steps ran from version " +
                                             std::to_string(version));
    check(whole_version(db, tenant) == versions, tenant + " did not end at the newest version");
}

void Ledger::verify(const Plan& plan) const {
    const Db db = open(plan);
    const Migrator migrator = migrator_of(db.get());
    std::vector<std::string> names = tenants_of(db.get());
    for (const auto& [tenant, known] : tenants_)
        check(std::find(names.begin(), names.end(), name_of(tenant)) != names.end(),
              name_of(tenant) + " was acknowledged and is not there");
    for (const std::string& name : names) {
        check(name.starts_with("tenant-"), "a tenant '" + name + "' that nobody made");
        const auto known = tenants_.find(std::stoi(name.substr(7)));
        verify_tenant(db.get(), migrator.get(), name, known != tenants_.end() ? known->second : Known{});
    }
    must(close_db(db.get()));
}

}  // namespace workload
