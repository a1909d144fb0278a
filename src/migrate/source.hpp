// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "migrate/script.hpp"

namespace mtdb::migrate {

enum class LayoutChoice { automatic, flyway, golang };
LayoutChoice layout_choice(
    std::string_view text);  // "auto", "flyway", "golang"; throws Error(invalid_argument)

// A file of the folder that is no script, and why.
struct Ignored {
    std::string path;
    std::string reason;
};

struct InlineScript {
    std::string version;
    std::string description;
    std::string up;
    std::optional<std::string> down;
};

// An ordered set of scripts that never changes: made once, used for every tenant from every thread. Its scripts are
// split as the dialect of those tenants has it.
class Source {
public:
    // Reads the folder now. Throws Error: not_found (no such folder), io, invalid_argument (both
    // layouts, duplicates, text that is not UTF-8), unsupported (a file that Flyway would act on
    // and this library cannot).
    static std::shared_ptr<const Source> from_folder(const std::string& folder, LayoutChoice choice,
                                                     const db::Dialect& dialect = {});
    // Throws Error(invalid_argument) for a bad version, Error(exists) for two of one version.
    static std::shared_ptr<const Source> from_inline(std::span<const InlineScript> scripts,
                                                     const db::Dialect& dialect = {});

    Layout layout() const noexcept { return layout_; }
    std::span<const Script> scripts() const noexcept {
        return scripts_;
    }  // versioned ascending, then repeatables
    std::span<const Script> versioned() const noexcept { return scripts().first(versioned_); }
    std::span<const Script> repeatables() const noexcept { return scripts().subspan(versioned_); }
    const Script* find(const Version& version) const noexcept;
    const Script* find_number(int64_t number) const noexcept;
    const Script* newest() const noexcept {
        return versioned_ == 0 ? nullptr : &scripts_[versioned_ - 1];
    }
    std::span<const Ignored> ignored() const noexcept { return ignored_; }
    // Why golang-migrate's table cannot hold these scripts; empty: it can.
    const std::string& golang_obstacle() const noexcept { return golang_obstacle_; }
    // Over all names, versions and checksums; the same for the same scripts in every process.
    uint64_t fingerprint() const noexcept { return fingerprint_; }

private:
    struct File {
        std::string path;  // relative, with "/"
        std::string name;  // without folders
    };
    Source() = default;
    static std::vector<File> list(const std::string& folder);
    static Layout detect(std::span<const File> files);
    static std::string read(const std::string& folder, const std::string& path);
    void load_flyway(const std::string& folder, std::span<const File> files, const db::Dialect& dialect);
    void load_golang(const std::string& folder, std::span<const File> files, const db::Dialect& dialect);
    void finish();

    Layout layout_ = Layout::flyway;
    std::vector<Script> scripts_;
    std::size_t versioned_ = 0;
    std::vector<Ignored> ignored_;
    std::string golang_obstacle_;
    uint64_t fingerprint_ = 0;
};

}  // namespace mtdb::migrate
