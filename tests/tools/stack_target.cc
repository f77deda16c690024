// SPDX-License-Identifier: BSL-1.0
// stack_target: a program to look at: goroutines that stand in known places. `stack_target [PARKED]` says "ready" and goes on until its input ends.
#include <gossamer/chan.h>
#include <gossamer/go.h>
#include <gossamer/mutex.h>
#include <gossamer/time.h>

#include <atomic>
#include <cstdlib>
#include <cstring>

#include "until_input_ends.h"

using namespace gossamer;

namespace {

std::atomic<bool> is_over{false};
std::atomic<int> standing{0};
std::atomic<unsigned long> turns{0};

[[gnu::noinline]] void waits_for_a_word(chan<int>& words) {
    standing++;
    words.recv();
    turns++;  // no tail call
}

// Deeper than what is read of a stack at first; and with a frame that is larger than a page.
[[gnu::noinline]] int descends(chan<int>& words, int depth) {
    volatile char kept[300];
    kept[0] = char(depth);
    if (depth == 0)
        waits_for_a_word(words);
    else
        descends(words, depth - 1);
    return kept[0];
}
[[gnu::noinline]] int large_frame(chan<int>& words) {
    volatile char kept[30'000];
    kept[0] = 1;
    waits_for_a_word(words);
    return kept[0];
}

// Aligned further than the stack is: the frame's rules are expressions on other registers.
[[gnu::noinline]] int aligned_frame(chan<int>& words, int n) {
    alignas(128) volatile char kept[128];
    auto* more = static_cast<volatile char*>(__builtin_alloca(size_t(n)));
    kept[0] = 1;
    more[0] = 1;
    waits_for_a_word(words);
    return kept[0] + more[0];
}

[[gnu::noinline]] void waits_for_the_lock(mutex& m) {
    standing++;
    m.lock();
    m.unlock();
}

[[gnu::noinline]] void spins() {
    standing++;
    while (!is_over.load(std::memory_order_relaxed)) turns.fetch_add(1, std::memory_order_relaxed);
}

struct counter {
    [[gnu::noinline]] static void waits(chan<int>& words) {
        waits_for_a_word(words);
        turns++;
    }
};

}  // namespace

int main(int argc, char** argv) {
    int parked = argc > 1 ? std::atoi(argv[1]) : 3;
    return run([parked] {
        chan<int> words, far;
        mutex m;
        m.lock();
        for (int i = 0; i < parked; i++) go([&] { waits_for_a_word(words); });
        go({.name = "deep"}, [&] { descends(words, 40); });
        go({.name = "large"}, [&] { large_frame(words); });
        go({.name = "aligned"}, [&] { aligned_frame(words, parked + 100); });
        go({.name = "member"}, [&] { counter::waits(words); });
        go({.name = "locker"}, [&] { waits_for_the_lock(m); });
        go({.name = "spinner"}, [] { spins(); });
        while (standing < parked + 6) sleep(std::chrono::milliseconds(1));
        sleep(std::chrono::milliseconds(20));  // the last of them is off its stack
        say_ready(far, is_over);
        far.recv();
        return 0;
    });
}
