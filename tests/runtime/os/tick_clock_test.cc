// SPDX-License-Identifier: BSL-1.0
#include "runtime/os/tick_clock.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <thread>
#include <utility>
#include <vector>

#include "runtime/os/os.h"

using namespace gossamer::rt;

namespace {

// A machine of 3 ticks a ns, on which nothing moves but by advance().
struct fake {
    static inline double now = 1e9, ticks_a_ns = 3, counter = 1e6;
    static inline unsigned kernel_reads = 0;
    static inline double interruption = 0;  // ns that the next look at the kernel's clock takes
    static constexpr uint64_t kSharpTicks = 400;

    static uint64_t ticks() { return uint64_t(counter); }
    static int64_t ns() {
        kernel_reads++;
        int64_t read = int64_t(now);
        if (interruption != 0) advance(std::exchange(interruption, 0));
        return read;
    }
    static void advance(double ns) {
        now += ns;
        counter += ns * ticks_a_ns;
    }
};
using fake_clock = os::tick_clock<fake>;

int64_t error_of(fake_clock& c, fake_clock::look& mine) { return std::abs(c.now(mine) - int64_t(fake::now)); }

// Long enough to learn a rate.
void learn(fake_clock& c, fake_clock::look& mine) {
    for (int i = 0; i < 300; i++) {
        fake::advance(50'000);
        CHECK(error_of(c, mine) <= 1);
    }
}

unsigned kernel_reads_of_a_burst(fake_clock& c, fake_clock::look& mine) {
    unsigned before = fake::kernel_reads;
    for (int i = 0; i < 1000; i++) {
        fake::advance(20);
        CHECK(error_of(c, mine) < os::kQuickFuzz);
    }
    return fake::kernel_reads - before;
}

}  // namespace

TEST_CASE("once it has learned the rate, the tick clock asks the kernel once in 100 us") {
    fake_clock c;
    fake_clock::look mine;
    CHECK(kernel_reads_of_a_burst(c, mine) == 1000);
    learn(c, mine);
    CHECK(kernel_reads_of_a_burst(c, mine) == 1000);  // nobody has said that the ticks can be trusted
    c.trust();
    learn(c, mine);
    CHECK(kernel_reads_of_a_burst(c, mine) <= 2);
}

TEST_CASE("the tick clock forgets a rate that no longer holds, and gives up after three") {
    fake_clock c;
    fake_clock::look mine;
    c.trust();
    learn(c, mine);
    for (int time = 1; time <= 3; time++) {
        fake::ticks_a_ns *= 1.5;  // another machine
        fake::advance(1'000'000);
        CHECK(error_of(c, mine) == 0);
        CHECK(kernel_reads_of_a_burst(c, mine) == 1000);
        learn(c, mine);
        CHECK(kernel_reads_of_a_burst(c, mine) <= (time < 3 ? 2 : 1000));
    }
    CHECK(kernel_reads_of_a_burst(c, mine) == 1000);
}

TEST_CASE("a look in whose middle the thread was interrupted does not count") {
    fake_clock c;
    fake_clock::look mine;
    c.trust();
    learn(c, mine);
    fake::advance(1'000'000);
    fake::interruption = 50'000;
    c.now(mine);
    CHECK(kernel_reads_of_a_burst(c, mine) <= 2);  // a new look first, and right ever after
}

TEST_CASE("a counter that began anew is not taken for time that passed") {
    fake_clock c;
    fake_clock::look mine;
    c.trust();
    learn(c, mine);
    fake::counter = 1000;
    fake::advance(40'000);
    CHECK(error_of(c, mine) == 0);
}

TEST_CASE("the quick clock keeps to the kernel's, on several threads [TM2]") {
    os::start_quick_clock();
    auto watch = [] {
        unsigned wrong = 0;
        for (int64_t until = os::now_ns() + 100'000'000, before = 0; before < until;) {
            before = os::now_ns();
            int64_t quick = os::quick_now_ns();
            wrong += quick < before - os::kQuickFuzz || quick > os::now_ns() + os::kQuickFuzz;
        }
        CHECK(wrong == 0);
    };
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; i++) threads.emplace_back(watch);
    for (auto& t : threads) t.join();
}
