// SPDX-License-Identifier: MIT
#include "world.hpp"

#include <filesystem>

namespace peers {

using namespace harness;

namespace {

std::string cell(mtdb_result* result, int32_t column) {
    if (mtdb_value_type(result, column) == MTDB_TYPE_INT64) return std::to_string(mtdb_value_int64(result, column));
    int64_t size = 0;
    const char* text = mtdb_value_text(result, column, &size);
    return text != nullptr ? std::string(text, static_cast<std::size_t>(size)) : "";
}

// Rows as lines of some columns.
Lines lines_of(Result result, std::initializer_list<int32_t> columns, const char* between) {
    Lines lines;
    for (;;) {
        const Answer row = ask([&](mtdb_error** err) { return mtdb_result_next(result.get(), err); });
        must(row);
        if (row.status == MTDB_DONE) return lines;
        std::string line;
        for (const int32_t column : columns) {
            if (column != *columns.begin()) line += between;
            line += cell(result.get(), column);
        }
        lines.push_back(line);
    }
}

}  // namespace

World::World(const Place& place, const std::string& tenant) : place_(place), tenant_(tenant) {
    mtdb_db* db = nullptr;
    ok([&](mtdb_error** err) { return mtdb_db_open(place.url.data(), -1, nullptr, &db, err); });
    db_.reset(db);
    if (exists(db, tenant)) drop_tenant();
    must(create(db, tenant));
}

World::~World() {
    static_cast<void>(ask([&](mtdb_error** err) {
        return mtdb_tenant_drop(db_.get(), tenant_.c_str(), -1, plenty_ms, nullptr, err);
    }));
}

void World::write(const std::string& file, const std::string& text) const { write_file(folder_ / file, text); }
void World::remove(const std::string& file) const { std::filesystem::remove(folder_ / file); }

harness::Migrator World::migrator(const Settings& settings) {
    Options options = options_of({{"migrate.source", folder()}});
    for (const auto& [key, value] : settings)
        ok([&, &k = key, &v = value](mtdb_error** err) {
            return mtdb_options_set_str(options.get(), k.c_str(), -1, v.c_str(), -1, err);
        });
    mtdb_migrator* made = nullptr;
    ok([&](mtdb_error** err) { return mtdb_migrator_new(db(), options.get(), &made, err); });
    return harness::Migrator(made);
}

int64_t World::migrate(const Settings& settings) {
    int64_t applied = 0;
    must(harness::migrate(migrator(settings).get(), tenant_, "latest", &applied));
    return applied;
}

Answer World::try_migrate(const Settings& settings) { return harness::migrate(migrator(settings).get(), tenant_); }

void World::undo(const std::string& target) {
    const auto self = migrator({});
    ok([&](mtdb_error** err) {
        return mtdb_migrator_undo(self.get(), tenant_.c_str(), -1, target.c_str(), -1, plenty_ms, nullptr, nullptr,
                                  err);
    });
}

void World::drop_tenant() {
    ok([&](mtdb_error** err) { return mtdb_tenant_drop(db(), tenant_.c_str(), -1, plenty_ms, nullptr, err); });
}

void World::baseline(const std::string& version) {
    const auto self = migrator({});
    ok([&](mtdb_error** err) {
        return mtdb_migrator_baseline(self.get(), tenant_.c_str(), -1, version.c_str(), -1, "", -1, plenty_ms, nullptr,
                                      err);
    });
}

void World::force(const std::string& version) {
    const auto self = migrator({});
    ok([&](mtdb_error** err) {
        return mtdb_migrator_force(self.get(), tenant_.c_str(), -1, version.c_str(), -1, plenty_ms, nullptr, err);
    });
}

Lines World::problems(const Settings& settings) {
    const auto self = migrator(settings);
    mtdb_result* result = nullptr;
    ok([&](mtdb_error** err) {
        return mtdb_migrator_validate(self.get(), tenant_.c_str(), -1, plenty_ms, nullptr, &result, err);
    });
    return lines_of(Result(result), {1, 0}, " ");
}

Lines World::info(const Settings& settings) {
    const auto self = migrator(settings);
    mtdb_result* result = nullptr;
    ok([&](mtdb_error** err) {
        return mtdb_migrator_info(self.get(), tenant_.c_str(), -1, "", -1, plenty_ms, nullptr, &result, err);
    });
    return lines_of(Result(result), {1, 2, 3, 5, 7}, "|");
}

Lines World::repair(int32_t apply, const Settings& settings) {
    const auto self = migrator(settings);
    mtdb_result* result = nullptr;
    ok([&](mtdb_error** err) {
        return mtdb_migrator_repair(self.get(), tenant_.c_str(), -1, apply, plenty_ms, nullptr, &result, err);
    });
    return lines_of(Result(result), {0, 1}, " ");
}

void same(const Lines& wanted, const Lines& got, harness::Place at) {
    if (wanted == got) return;
    std::string text = "wanted:";
    for (const auto& line : wanted) text += "\n    " + line;
    text += "\n  got:";
    for (const auto& line : got) text += "\n    " + line;
    check(false, text, at);
}

}  // namespace peers
