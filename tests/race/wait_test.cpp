// SPDX-License-Identifier: MIT
#include "base/wait.hpp"

#include "race.hpp"

using namespace race;

TEST_CASE("sleepers come and go while others trigger and reset: nobody sleeps on, nobody is lost") {
    CancelToken token;
    std::mutex mutex;
    std::condition_variable wake;
    std::atomic<int> woken{0};
    constexpr int sleepers = 6;
    const int each = rounds(1000);
    std::atomic<int> left{sleepers};
    together(sleepers + 2, [&](int i) {
        if (i >= sleepers) {
            while (left > 0) {
                token.trigger(0);
                std::this_thread::yield();
            }
            return;
        }
        for (int round = 0; round < each; ++round) {
            std::unique_lock held(mutex);
            const Wait wait{Deadline::never(), &token};
            while (!wait.over()) wait.sleep(held, wake);
            ++woken;
            held.unlock();
            token.reset();
        }
        --left;
    });
    CHECK(woken == sleepers * each);
}

TEST_CASE("a trigger of a generation never touches the next one") {
    CancelToken token;
    const int each = rounds(10000);
    std::atomic<int64_t> generation{1};
    std::atomic<bool> done{false};
    std::atomic<int> wrong{0};
    together(3, [&](int i) {
        if (i > 0) {
            while (!done) token.trigger(generation.load());
            return;
        }
        for (int round = 0; round < each; ++round) {
            const int64_t next = token.reset();
            // The others still know the generation before: nothing they do shows here.
            if (token.triggered()) ++wrong;
            generation = next;
        }
        done = true;
    });
    CHECK(wrong == 0);
}
