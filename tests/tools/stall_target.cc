// SPDX-License-Identifier: BSL-1.0
// stall_target: a program to look at: one goroutine computes for long, one sleeps in the kernel without a word, one sleeps there and says so, and some
// want to run beside them. Says "ready" and goes on until its input ends.
#include <gossamer/blocking.h>
#include <gossamer/go.h>
#include <gossamer/time.h>
#include <time.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <thread>

using namespace gossamer;
using namespace std::chrono_literals;

namespace {

std::atomic<bool> is_over{false};
std::atomic<unsigned long> turns{0};

// By the thread's own clock: a machine that gives it no CPU does not make the computing shorter.
[[gnu::noinline]] void computes_for_long() {
    timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    long end = t.tv_sec * 1000 + t.tv_nsec / 1'000'000 + 150;
    do {
        for (int i = 0; i < 100'000; i++) turns.fetch_add(1, std::memory_order_relaxed);
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    } while (t.tv_sec * 1000 + t.tv_nsec / 1'000'000 < end);
}

[[gnu::noinline]] void sleeps_in_the_kernel(long ms) {
    timespec t{0, ms * 1'000'000};
    nanosleep(&t, nullptr);
    turns++;
}

void live() {
    go({.name = "hog"}, [] {
        while (!is_over) {
            computes_for_long();
            sleep(5ms);
        }
    });
    go({.name = "sleeper"}, [] {
        while (!is_over) {
            sleeps_in_the_kernel(150);
            sleep(5ms);
        }
    });
    go({.name = "announcer"}, [] {
        while (!is_over) {
            blocking([] { sleeps_in_the_kernel(150); });
            sleep(5ms);
        }
    });
    for (int i = 0; i < 10; i++)
        go({.name = "polite"}, [] {
            while (!is_over) sleep(1ms);
        });
    std::puts("ready");
    std::fflush(stdout);
    while (!is_over) sleep(10ms);
}

}  // namespace

int main() {
    std::thread until_the_input_ends([] {
        while (std::getchar() != EOF) {
        }
        is_over = true;
    });
    run([] { live(); });
    until_the_input_ends.join();
}
