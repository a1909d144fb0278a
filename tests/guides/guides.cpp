// SPDX-License-Identifier: MIT
// Usage: mtdb_guides PAGE.md
// Does what a page says, block by block: "sql file=F" is written to F, "options" are those of the migrator, "info" is
// what info says after migrate, or after the undo that the text before it names; "sql" alone fills a tenant of its own,
// and "repair" is what repair says of it. Of fleets: "tenants" are created, "sql tenant=T" is run on one of them,
// "fleet" is the options of a run, "results" what became of the tenants, "rows" what its query gives; "failure" is in
// what it fails with.
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <regex>
#include <sstream>
#include <vector>

#include "harness.hpp"

namespace {

using namespace harness;

struct Block {
    std::string kind, file, tenant, text, before;  // before: the text between it and the block before
};

std::vector<Block> blocks_of(const std::string& page) {
    std::vector<Block> blocks;
    std::istringstream in(page);
    std::string line, between;
    while (std::getline(in, line)) {
        if (!line.starts_with("```")) {
            between += line + "\n";
            continue;
        }
        Block block;
        block.before = std::exchange(between, {});
        std::istringstream head(line.substr(3));
        std::string file;
        head >> block.kind >> file;
        if (file.starts_with("file=")) block.file = file.substr(5);
        if (file.starts_with("tenant=")) block.tenant = file.substr(7);
        while (std::getline(in, line) && line != "```") block.text += line + "\n";
        blocks.push_back(block);
    }
    return blocks;
}

std::string cell(mtdb_result* result, int32_t column) {
    if (mtdb_value_type(result, column) == MTDB_TYPE_INT64) return std::to_string(mtdb_value_int64(result, column));
    int64_t size = 0;
    const char* text = mtdb_value_text(result, column, &size);
    return text != nullptr ? std::string(text, static_cast<std::size_t>(size)) : "";
}

std::string table_of(Result result, std::initializer_list<int32_t> columns) {
    std::string out;
    for (;;) {
        const Answer row = ask([&](mtdb_error** err) { return mtdb_result_next(result.get(), err); });
        must(row);
        if (row.status == MTDB_DONE) return out;
        for (const int32_t column : columns)
            out += (column == *columns.begin() ? "" : "|") + cell(result.get(), column);
        out += "\n";
    }
}

class Page {
public:
    explicit Page(const std::string& path) : blocks_(blocks_of(read_file(path))) {}

    void follow() {
        check(chdir(folder_.path().c_str()) == 0, "no folder");
        std::filesystem::create_directory(folder_ / "tenants");
        db_ = open_db(folder_ / "tenants");
        for (const Block& block : blocks_) {
            if (block.kind == "sql" && !block.file.empty()) {
                std::filesystem::create_directories(std::filesystem::path(block.file).parent_path());
                write_file(block.file, block.text);
            } else if (block.kind == "options") {
                options_ = block.text;
            } else if (block.kind == "info") {
                compare_info(block);
            } else if (block.kind == "sql" && !block.tenant.empty()) {
                tenant_ = block.tenant;
                fill(block.text);
            } else if (follow_fleet(block)) {
            } else if (block.kind == "sql") {
                tenant_ = "another";
                must(create(db_.get(), tenant_));
                fill(block.text);
            } else if (block.kind == "repair") {
                compare_repair(block);
            }
        }
    }

private:
    static Options options_in(const std::string& text) {
        mtdb_options* made = nullptr;
        ok([&](mtdb_error** err) { return mtdb_options_new(&made, err); });
        Options options(made);
        std::istringstream in(text);
        for (std::string line; std::getline(in, line);) {
            const auto equals = line.find('=');
            ok([&](mtdb_error** err) {
                return mtdb_options_set_str(made, line.c_str(), static_cast<int64_t>(equals), line.c_str() + equals + 1,
                                            -1, err);
            });
        }
        return options;
    }

    Migrator migrator() {
        const Options options = options_in(options_);
        mtdb_migrator* out = nullptr;
        ok([&](mtdb_error** err) { return mtdb_migrator_new(db_.get(), options.get(), &out, err); });
        return Migrator(out);
    }

    bool follow_fleet(const Block& block) {
        if (block.kind == "tenants") {
            std::istringstream in(block.text);
            for (std::string tenant; in >> tenant;) must(create(db_.get(), tenant));
        } else if (block.kind == "fleet") {
            begin_fleet(block);
        } else if (block.kind == "results") {
            mtdb_result* result = nullptr;
            ok([&](mtdb_error** err) { return mtdb_fleet_results(fleet_.get(), &result, err); });
            compare(block.text, table_of(Result(result), {0, 1, 2, 7}));
        } else if (block.kind == "failure") {
            ++compared_;
            const std::string wanted = block.text.substr(0, block.text.size() - 1);
            check(answer_.message.find(wanted) != std::string::npos, answer_.text());
            answer_ = {};
        } else if (block.kind == "rows") {
            compare(block.text, rows_);
        } else {
            return false;
        }
        return true;
    }

    // What it failed with must be shown before the next one.
    void begin_fleet(const Block& block) {
        must(answer_);
        const Options options = options_in(block.text);
        const Migrator self = migrator();
        mtdb_fleet* made = nullptr;
        ok([&](mtdb_error** err) { return mtdb_fleet_new(db_.get(), self.get(), options.get(), &made, err); });
        fleet_.reset(made);
        if (block.text.find("fleet.sql=") == std::string::npos) {
            answer_ = ask([&](mtdb_error** err) { return mtdb_fleet_run(made, plenty_ms, nullptr, nullptr, err); });
            return;
        }
        mtdb_result* result = nullptr;
        ok([&](mtdb_error** err) { return mtdb_fleet_query(made, plenty_ms, nullptr, &result, err); });
        rows_ = table_of(Result(result), {0, 1});
        std::vector<std::string> lines;
        std::istringstream in(rows_);
        for (std::string line; std::getline(in, line);) lines.push_back(line + "\n");
        std::sort(lines.begin(), lines.end());  // tenants come as they answer
        rows_.clear();
        for (const std::string& line : lines) rows_ += line;
    }

    void compare_info(const Block& block) {
        if (!exists(db_.get(), tenant_)) must(create(db_.get(), tenant_));
        const Migrator self = migrator();
        std::smatch found;
        if (std::regex_search(block.before, found, std::regex("undo (?:to|with) `([^`]+)`"))) {
            const std::string target = found[1];
            ok([&](mtdb_error** err) {
                return mtdb_migrator_undo(self.get(), tenant_.c_str(), -1, target.c_str(), -1, plenty_ms, nullptr,
                                          nullptr, err);
            });
        } else {
            must(migrate(self.get(), tenant_));
        }
        mtdb_result* result = nullptr;
        ok([&](mtdb_error** err) {
            return mtdb_migrator_info(self.get(), tenant_.c_str(), -1, "", -1, plenty_ms, nullptr, &result, err);
        });
        compare(block.text, table_of(Result(result), {1, 2, 5}));
    }

    void fill(const std::string& script) {
        std::istringstream in(script);
        for (std::string statement; std::getline(in, statement);) must(exec(db_.get(), tenant_, statement));
    }

    void compare_repair(const Block& block) {
        const Migrator self = migrator();
        must_be(MTDB_MIGRATION_DIRTY, migrate(self.get(), tenant_));
        mtdb_result* result = nullptr;
        ok([&](mtdb_error** err) {
            return mtdb_migrator_repair(self.get(), tenant_.c_str(), -1, 1, plenty_ms, nullptr, &result, err);
        });
        compare(block.text, table_of(Result(result), {0, 1, 4}));
        must(migrate(self.get(), tenant_));
    }

    void compare(const std::string& wanted, const std::string& got) {
        ++compared_;
        check(wanted == got, "the page says\n" + wanted + "  it is\n" + got);
    }

public:
    int compared_ = 0;

private:
    const std::vector<Block> blocks_;
    const Folder folder_;
    Db db_;
    std::unique_ptr<mtdb_fleet, Release<mtdb_fleet_release>> fleet_;
    Answer answer_;  // of the fleet run
    std::string options_, rows_, tenant_ = "acme";
};

}  // namespace

int main(int count, char** words) {
    if (count != 2) {
        std::fputs("usage: mtdb_guides PAGE.md\n", stderr);
        return 2;
    }
    const std::string path = std::filesystem::absolute(words[1]);
    harness::test("the page says what happens: " + std::filesystem::path(path).filename().string(), [&] {
        Page page(path);
        page.follow();
        harness::check(page.compared_ >= 2, "the page shows nothing");
    });
    return harness::summary();
}
