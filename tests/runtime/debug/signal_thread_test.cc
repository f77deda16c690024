// SPDX-License-Identifier: BSL-1.0
#include "runtime/debug/signal_thread.h"

#include <doctest/doctest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "runtime/os/os.h"
#include "runtime/sched/sched.h"
#include "tests/support/harness.h"

using namespace gossamer::rt;

TEST_CASE("what is asked of the signal thread is done there, before ask returns") {
    start_runtime();
    uint64_t where = 0;
    CHECK(ask_signal_thread([](void* arg) { *static_cast<uint64_t*>(arg) = os::thread_id(); }, &where, -1));
    CHECK(where != 0);
    CHECK(where != os::thread_id());
}

TEST_CASE("the signal thread may ask itself") {
    start_runtime();
    int depth = 0;
    ask_signal_thread(
        [](void* outer) {
            ask_signal_thread([](void* inner) { ++*static_cast<int*>(inner); }, outer, -1);
            ++*static_cast<int*>(outer);
        },
        &depth, -1);
    CHECK(depth == 2);
}

TEST_CASE("many threads ask at once and each gets its answer") {
    start_runtime();
    std::atomic<int> done{0};
    std::vector<std::jthread> askers;
    for (int t = 0; t < 8; t++)
        askers.emplace_back([&] {
            for (int i = 0; i < 200; i++) {
                int mine = 0;
                ask_signal_thread([](void* arg) { *static_cast<int*>(arg) = 1; }, &mine, -1);
                done += mine;
            }
        });
    askers.clear();
    CHECK(done.load() == 1600);
}

TEST_CASE("who asks waits for as long as there is progress, and no longer than told without") {
    start_runtime();
    constexpr int64_t kPatience = 200'000'000;
    static std::atomic<bool> let_go{false};
    // Three times the patience in all, with progress between: done.
    CHECK(ask_signal_thread(
        [](void*) {
            for (int i = 0; i < 30; i++) {
                os::nap_ns(kPatience / 10);
                note_progress();
            }
        },
        nullptr, kPatience));
    CHECK_FALSE(ask_signal_thread(
        [](void*) {
            while (!let_go.load()) os::nap_ns(1'000'000);
        },
        nullptr, kPatience));
    let_go.store(true);
}
