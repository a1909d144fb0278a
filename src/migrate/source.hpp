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

// How scripts are found and read.
struct SourceOptions {
    LayoutChoice layout = LayoutChoice::automatic;
    Naming naming;
    std::string encoding = "UTF-8";
    PlaceholderRules placeholders;
    Mixing mixing = Mixing::refused;
    bool in_transaction = true;  // false: no script runs in a transaction, unless its configuration says so
    bool strict_names = false;   // a name that is almost a script's is an error
};

// An ordered set of scripts that never changes: made once, used for every tenant from every thread. Its scripts are
// split as the dialect of those tenants has it.
class Source {
public:
    // Reads the folders now: paths separated by commas, each perhaps with `filesystem:` before it or a `file:` URL.
    // Throws Error: not_found (no such folder), io, invalid_argument (both layouts, duplicates, text that is not in its
    // encoding, placeholders without a value where a checksum depends on them), unsupported (what Flyway would act on
    // and this library cannot).
    static std::shared_ptr<const Source> from_folder(const std::string& folders, SourceOptions options,
                                                     const db::Dialect& dialect = {});
    static std::shared_ptr<const Source> from_folder(const std::string& folders, LayoutChoice choice,
                                                     const db::Dialect& dialect = {});
    // Throws Error(invalid_argument) for a bad version, Error(exists) for two of one version.
    static std::shared_ptr<const Source> from_inline(std::span<const InlineScript> scripts,
                                                     const db::Dialect& dialect = {}, SourceOptions options = {});

    // Some script asks for values of a tenant: it runs as of_tenant() has it.
    bool differs_by_tenant() const noexcept { return differs_; }
    std::shared_ptr<const Source> of_tenant(const TenantValues& values) const;

    Layout layout() const noexcept { return layout_; }
    // Versioned ascending, then baselines ascending, then repeatables.
    std::span<const Script> scripts() const noexcept { return scripts_; }
    std::span<const Script> versioned() const noexcept { return scripts().first(versioned_); }
    std::span<const Script> baselines() const noexcept { return scripts().subspan(versioned_, baselines_); }
    std::span<const Script> repeatables() const noexcept { return scripts().subspan(versioned_ + baselines_); }
    const Script* find(const Version& version) const noexcept;
    const Script* find_baseline(const Version& version) const noexcept;
    const Script* find_number(int64_t number) const noexcept;
    const Script* newest() const noexcept {
        return versioned_ == 0 ? nullptr : &scripts_[versioned_ - 1];
    }
    // The highest version of all, baselines too; empty: no script has one.
    Version last() const;
    // In the order in which they run at their event.
    std::span<const Callback> callbacks() const noexcept { return callbacks_; }
    std::span<const Ignored> ignored() const noexcept { return ignored_; }
    // Why golang-migrate's table cannot hold these scripts; empty: it can.
    const std::string& golang_obstacle() const noexcept { return golang_obstacle_; }
    // Over all names, versions and checksums; the same for the same scripts in every process.
    uint64_t fingerprint() const noexcept { return fingerprint_; }

private:
    struct File {
        std::string folder;
        std::string path;  // relative to the folder, with "/"
        std::string name;  // without folders
    };
    Source() = default;
    static void list(const std::string& folder, std::vector<File>& files);
    static Layout detect(std::span<const File> files, const Naming& naming);
    static std::string read(const File& file);
    Body load_body(const File& file, const FlywayName& name, std::span<const File> files);
    void load_flyway(std::span<const File> files);
    void load_golang(std::span<const File> files);
    void add_callback(const FlywayName& name, Body body);
    static Script script_of(const FlywayName& name, Body body);
    void finish();

    Layout layout_ = Layout::flyway;
    SourceOptions options_;
    db::Dialect dialect_;
    std::vector<Script> scripts_;
    std::vector<Callback> callbacks_;
    std::size_t versioned_ = 0;
    std::size_t baselines_ = 0;
    bool differs_ = false;
    std::vector<Ignored> ignored_;
    std::string golang_obstacle_;
    uint64_t fingerprint_ = 0;
};

}  // namespace mtdb::migrate
