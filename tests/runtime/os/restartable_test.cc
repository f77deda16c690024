// SPDX-License-Identifier: BSL-1.0
#include "runtime/os/restartable.h"

#include <doctest/doctest.h>

#include <thread>

#include "runtime/sched/current.h"
#include "tests/support/harness.h"

using namespace gossamer::rt;

TEST_CASE("a word is replaced when it holds what is expected, and only then") {
    tests::on_goroutine([] {});  // the runtime has decided
    atomic<uint32_t> word{1};
    bool can = os::has_restart_fence();
    CHECK_FALSE(os::replace_if(word, 2, 3));
    CHECK(word == 1);
    bool done = false;
    for (int i = 0; i < 1000 && !done; i++)
        done = os::replace_if(word, 1, 7);  // the kernel may take the thread from its CPU
    CHECK(done == can);
    CHECK(word == (can ? 7 : 1));
}

TEST_CASE("who changes the word and fences is seen by whoever replaces it after") {
    if (!os::has_restart_fence()) return;
    enum : uint32_t { free, held, wanted };
    atomic<uint32_t> word{free};
    atomic<bool> over{false};
    std::thread holder([&] {
        while (!over.load()) {
            word.store(held);
            if (os::replace_if(word, held, free)) continue;
            uint32_t mine = held;
            if (word.compare_exchange_strong(mine, free)) continue;  // it said no for no reason
            while (word.load() == wanted && !over.load()) std::this_thread::yield();
        }
    });
    int kept = 0, lost = 0;
    while (kept < 100) {
        uint32_t there = held;
        if (!word.compare_exchange_strong(there, wanted)) {
            std::this_thread::yield();
            continue;
        }
        os::restart_fence();
        if (word.load() != wanted) continue;  // stored over before the fence
        kept++;
        for (int look = 0; look < 200; look++)
            if (word.load() != wanted) lost++;
        word.store(free);
    }
    over = true;
    holder.join();
    CHECK(lost == 0);
}
