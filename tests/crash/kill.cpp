// SPDX-License-Identifier: MIT
// SIGKILL at random moments: what was acknowledged is there, and nothing is half done.
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>

#include "workload.hpp"

using namespace harness;
using workload::Ack;
using workload::Ledger;
using workload::Plan;

namespace {

constexpr int rounds_per_root = 10;

struct Pipe {
    int ends[2] = {-1, -1};
    Pipe() { check(pipe(ends) == 0, "no pipe"); }
    Pipe(const Pipe&) = delete;
    ~Pipe() {
        close_end(0);
        close_end(1);
    }
    void close_end(int which) {
        if (ends[which] >= 0) close(ends[which]);
        ends[which] = -1;
    }
};

// Reads acknowledgements for `time_us`, or to the end of the pipe when that is negative. False at its end.
bool listen(int acks, int64_t time_us, Ledger& ledger) {
    timespec begin{};
    clock_gettime(CLOCK_MONOTONIC, &begin);
    for (;;) {
        timespec left{1, 0};
        if (time_us >= 0) {
            timespec now{};
            clock_gettime(CLOCK_MONOTONIC, &now);
            const int64_t gone = (now.tv_sec - begin.tv_sec) * 1000000 + (now.tv_nsec - begin.tv_nsec) / 1000;
            if (gone >= time_us) return true;
            left = {(time_us - gone) / 1000000, (time_us - gone) % 1000000 * 1000};
        }
        pollfd ready{acks, POLLIN, 0};
        if (ppoll(&ready, 1, &left, nullptr) <= 0) continue;
        Ack ack{};
        if (read(acks, &ack, sizeof ack) != static_cast<ssize_t>(sizeof ack)) return false;
        ledger.add(ack);
    }
}

void round(const Plan& plan, Ledger& ledger, Random& random) {
    Pipe pipe;
    const pid_t child = spawn([&] {
        pipe.close_end(0);
        workload::run(plan, pipe.ends[1]);
    });
    pipe.close_end(1);
    // Some die while they open, most at work, a few after the first checkpoints.
    const int64_t longest_us = pick(random, 0, 9) == 0 ? 150000 : 40000;
    const bool alive = listen(pipe.ends[0], pick(random, 0, longest_us), ledger);
    kill(child, SIGKILL);
    if (alive) listen(pipe.ends[0], -1, ledger);
    int status = 0;
    waitpid(child, &status, 0);
    check(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "the worker ended by itself");
    in_child([&] { ledger.verify(plan); }, Ending::handlers);
}

}  // namespace

int main() {
    Random random(seed("crash.kill"));
    const int64_t rounds = scaled(200);
    int64_t writes = 0;
    Folder folder(Folder::Kind::speedy);
    Ledger ledger;
    for (int64_t i = 0; i < rounds; ++i) {
        if (i % rounds_per_root == 0) {
            writes += ledger.writes();
            folder = Folder(Folder::Kind::speedy);
            ledger = Ledger();
        }
        Plan plan;
        plan.root = folder.path();
        plan.journal = i / rounds_per_root % 4 == 3 ? "delete" : "wal";
        plan.round = static_cast<int>(i % rounds_per_root);
        plan.first_new = ledger.next_tenant();
        plan.seed = random();
        test("round " + std::to_string(i) + ": what was acknowledged survives SIGKILL",
             [&] { round(plan, ledger, random); });
    }
    writes += ledger.writes();
    test("the rounds acknowledged enough writes to mean something",
         [&] { check(writes > rounds * 2, std::to_string(writes) + " writes"); });
    std::printf("%lld acknowledged writes\n", static_cast<long long>(writes));
    return summary();
}
