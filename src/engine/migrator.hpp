// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/guarded.hpp"
#include "engine/conn.hpp"
#include "engine/counted.hpp"
#include "engine/options.hpp"
#include "migrate/runner.hpp"

namespace mtdb::engine {

class Db;

// What is done to one tenant or to many.
enum class Verb { migrate, undo, info, validate, repair, baseline };
std::optional<Verb> find_verb(std::string_view name);
// Throws Error(invalid_argument) for a target that the verb does not take.
void check_target(Verb verb, std::string_view target);

// What a verb over many tenants does to one of them.
struct VerbCall {
    std::string_view target, token;  // token: of a quiesce flag's owner
    // Before the first thing is changed. May be empty.
    std::function<void()> before_write = {};
};

// One ordered set of scripts in a program's hands, and the verbs over one tenant or many.
class Migrator final : public Counted {
public:
    static Ref<Migrator> open(const Ref<Db>& db, const Options& options);

    Db& db() const noexcept { return *db_; }
    void add(migrate::InlineScript script);
    void enable();
    // From the first call on the scripts are final.
    std::shared_ptr<const migrate::Runner> runner();

    Ref<Result> plan(std::string_view tenant, std::string_view target, const Wait& wait);
    void migrate(std::string_view tenant, std::string_view target, const Wait& wait,
                 int64_t& applied);
    void undo(std::string_view tenant, std::string_view target, const Wait& wait, int64_t& undone);
    Ref<Result> info(std::string_view tenant, std::string_view target, const Wait& wait);
    Ref<Result> repair(std::string_view tenant, bool apply, const Wait& wait);
    std::vector<migrate::RepairRow> repair_rows(std::string_view tenant, bool apply, std::string_view token,
                                                const Wait& wait);
    void baseline(std::string_view tenant, std::string_view version, std::string_view description,
                  std::string_view token, const Wait& wait);
    void force(std::string_view tenant, std::string_view version, const Wait& wait);
    void drop(std::string_view tenant, const Wait& wait, int64_t& dropped);
    Ref<Result> status(std::string_view tenant, const Wait& wait);
    Ref<Result> validate(std::string_view tenant, const Wait& wait);
    // Runs the verb and says where the tenant stands then. `progress` says what was committed, also on failure.
    migrate::Status run_on(Verb verb, const std::string& tenant, const VerbCall& call, const Wait& wait,
                             migrate::Progress& progress);
    // The scripts are those of the tables that tenants share: they run where these are, which is made if need be.
    void run_shared(std::string_view target, const Wait& wait, migrate::Progress& progress);
    std::string token() const;  // of a quiesce flag's owner
    Ref<Result> run(std::string_view verb, std::string_view target, std::string_view tenants,
                    const Options& options, const Wait& wait);

private:
    struct Scripts {
        std::vector<migrate::InlineScript> inline_scripts;
        std::shared_ptr<const migrate::Runner>
            runner;  // made at the first verb; then the scripts are final
    };
    Migrator(Ref<Db> db, const Options& options);
    void require_tenant(std::string_view tenant, const Wait& wait);
    migrate::Options rules() const;
    migrate::SourceOptions source_options() const;
    // A verb that changes a tenant's history or its tables, told in the audit when it has done so.
    enum class Change { repaired, baselined, forced, dropped };
    template <class Work>
    void change(std::string_view tenant, Change kind, std::string_view token, const Wait& wait, Work&& work);

    Ref<Db> db_;
    const Options options_;
    std::shared_ptr<const migrate::Source> folder_;  // none: inline
    Guarded<Scripts> scripts_;
};

}  // namespace mtdb::engine
