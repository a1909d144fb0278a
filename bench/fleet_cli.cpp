// SPDX-License-Identifier: MIT
// A program from its start to its end over a fleet that has nothing to do: examples/c/upgrade.c, against a JVM with
// Flyway's library per tenant, on ten tenants. Flyway's own command line starts more than that before it does the same.
#include <spawn.h>
#include <sys/wait.h>

#include "fleet.hpp"

extern char** environ;

namespace bench {
namespace {

constexpr int rounds = 3;
constexpr std::size_t peer_tenants = 10;

double spent_by_program(const std::vector<std::string>& command, std::size_t tenants) {
    std::vector<char*> words;
    for (const std::string& word : command) words.push_back(const_cast<char*>(word.c_str()));
    words.push_back(nullptr);
    int status = 0;
    const double spent = timed([&] {
        pid_t child = 0;
        posix_spawn_file_actions_t quiet;
        posix_spawn_file_actions_init(&quiet);
        posix_spawn_file_actions_addopen(&quiet, 1, "/dev/null", 1, 0);
        if (posix_spawn(&child, words.front(), &quiet, nullptr, words.data(), environ) != 0) fail("no program");
        posix_spawn_file_actions_destroy(&quiet);
        if (waitpid(child, &status, 0) != child) fail("no end of the program");
    });
    if (status != 0) fail(command.front() + " failed");
    return spent / static_cast<double>(tenants) / 1000;
}

double spent_by_jvms(const Grounds& grounds, const std::string& scripts, const Names& tenants) {
    return timed([&] {
               for (const std::string& tenant : tenants) {
                   std::vector<std::string> words = {"migrate"};
                   for (std::string& word : flyway_request(grounds.place(), tenant, scripts))
                       words.push_back(std::move(word));
                   peers::Process process(flyway_command());
                   const auto reply = process.ask(words);
                   if (reply.lines != std::vector<std::string>{"executed 0"}) fail("Flyway: " + reply.error);
               }
           }) /
           static_cast<double>(tenants.size()) / 1000;
}

void cli(Backend backend) {
    Grounds grounds(backend);
    const std::string scripts = write_scripts(grounds.folder(), Layout::flyway);
    const int64_t count = scaled(1000);
    const Names tenants = grounds.make('a', count);
    fleet_of_mtdb(grounds, tenants, {scripts, count * all_scripts, 8});
    const std::vector<std::string> program = {MTDB_BENCH_UPGRADE, grounds.place().url, scripts,
                                              grounds.folder().path("upgrade.db")};
    const Names few(tenants.begin(), tenants.begin() + peer_tenants);
    const Figures figures = in_turns(rounds, [&] { return spent_by_program(program, tenants.size()); },
                                     [&] { return spent_by_jvms(grounds, scripts, few); });
    print("fleet_noop_cli",
          std::string(name_of(backend)) + ", " + counted(count, tenants_of(backend)) +
              "; a JVM with Flyway's library per tenant (10, scaled)",
          "us/tenant", figures.ours, figures.peer, figures.peer / figures.ours, at_least(1000));
}

}  // namespace

void fleet_noop_cli() {
    cli(Backend::postgres);
    cli(Backend::sqlite_wal);
}

}  // namespace bench
