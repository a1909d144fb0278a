// SPDX-License-Identifier: MIT
// The power goes at random moments and unsynced bytes with it: what was acknowledged is there, and nothing is half
// done.
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "unplug.hpp"
#include "workload.hpp"

using namespace harness;
using workload::Ack;
using workload::Ledger;
using workload::Plan;

namespace {

constexpr int rounds_per_root = 8;
constexpr int exit_cut = 42;

struct Round {
    Plan plan;
    unplug::Cut cut;
};

// Writes until the cut; what it acknowledged goes into the ledger.
void run_until_cut(const Round& round, Ledger& ledger) {
    int ends[2];
    check(pipe(ends) == 0, "no pipe");
    const pid_t child = spawn([&] {
        close(ends[0]);
        unplug::arm(round.cut);
        workload::run(round.plan, ends[1]);
        unplug::pull();
    });
    close(ends[1]);
    Ack ack{};
    while (read(ends[0], &ack, sizeof ack) == static_cast<ssize_t>(sizeof ack)) ledger.add(ack);
    close(ends[0]);
    int status = 0;
    waitpid(child, &status, 0);
    check(WIFEXITED(status) && WEXITSTATUS(status) == exit_cut,
          "the worker ended by itself: " + std::to_string(status));
}

Round round_of(int64_t number, const Folder& from, const Folder& to, const Ledger& ledger, Random& random) {
    Round round;
    round.plan.root = from.path();
    round.plan.path = number / rounds_per_root % 3 == 1 ? "{hash:1}/{id}.db" : "{id}.db";
    if (number / rounds_per_root % 4 == 3) round.plan.journal = "delete";
    round.plan.round = static_cast<int>(number % rounds_per_root);
    round.plan.first_new = ledger.next_tenant();
    round.plan.seed = random();
    round.plan.acts_max = 60;
    round.cut.from = from.path();
    round.cut.to = to.path();
    round.cut.after = pick(random, 0, pick(random, 0, 3) == 0 ? 60 : 900);
    round.cut.loss = number % 2 == 0 ? unplug::Loss::all : unplug::Loss::some;
    round.cut.seed = random();
    round.cut.exit_code = exit_cut;
    return round;
}

// The checks above mean something only if a disk that does not keep its word fails them.
void verify_that_a_lie_is_noticed(Random& random) {
    int noticed = 0;
    for (int64_t number = 0; number < 3; ++number) {
        const Folder from(Folder::Kind::speedy);
        const Folder to(Folder::Kind::speedy);
        Ledger ledger;
        Round round = round_of(0, from, to, ledger, random);
        round.cut.after = 400;
        round.cut.ignore_syncs = true;
        run_until_cut(round, ledger);
        round.plan.root = to.path();
        try {
            ledger.verify(round.plan);
        } catch (const Failed&) {
            ++noticed;
        }
    }
    check(noticed == 3, "a disk that ignores syncs was noticed " + std::to_string(noticed) + " times of 3");
}

}  // namespace

int main() {
    Random random(seed("crash.power_cut"));
    const int64_t rounds = scaled(200);
    int64_t writes = 0;
    Folder from(Folder::Kind::speedy);
    Ledger ledger;
    for (int64_t number = 0; number < rounds; ++number) {
        if (number % rounds_per_root == 0) {
            writes += ledger.writes();
            from = Folder(Folder::Kind::speedy);
            ledger = Ledger();
        }
        Folder to(Folder::Kind::speedy);
        const Round round = round_of(number, from, to, ledger, random);
        test("round " + std::to_string(number) + ": what was acknowledged survives a power cut", [&] {
            run_until_cut(round, ledger);
            Plan after = round.plan;
            after.root = to.path();
            in_child([&] { ledger.verify(after); }, Ending::handlers);
        });
        from = std::move(to);
    }
    writes += ledger.writes();
    test("the rounds acknowledged enough writes to mean something",
         [&] { check(writes > rounds * 2, std::to_string(writes) + " writes"); });
    test("a disk that ignores syncs is noticed", [&] { in_child([&] { verify_that_a_lie_is_noticed(random); }); });
    std::printf("%lld acknowledged writes\n", static_cast<long long>(writes));
    return summary();
}
