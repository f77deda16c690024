// SPDX-License-Identifier: BSL-1.0
// waits: the clock, the wake of another thread, a look at epoll, and how late the kernel wakes who asked for a moment.

#include <linux/futex.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <thread>
#include <vector>

#include "perf/limits/costs.h"

namespace perf {

namespace {

std::int64_t now_ns() {
    timespec t{};
    ::clock_gettime(CLOCK_MONOTONIC, &t);
    return std::int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
}

void futex(std::atomic<std::uint32_t>& word, int operation, std::uint32_t value) {
    ::syscall(SYS_futex, reinterpret_cast<std::uint32_t*>(&word), operation, value, nullptr, nullptr, 0);
}

[[noreturn]] void die(const char* what) {
    std::perror(what);
    std::exit(1);
}

// From the waker's call until the other thread runs: the median of N. The waker lets pause() pass after the other one has said that it goes
// to sleep.
template <class Pause>
void wakes(bench& b, Pause pause) {
    std::atomic<std::uint32_t> turn = 0;
    std::atomic<std::int64_t> about = -1, called = 0;
    std::vector<std::int64_t> took;
    std::thread sleeper([&] {
        for (std::uint32_t i = 0; i < static_cast<std::uint32_t>(b.n); i++) {
            about = i;
            while (turn == i) futex(turn, FUTEX_WAIT_PRIVATE, i);
            took.push_back(now_ns() - called);
        }
    });
    for (std::int64_t i = 0; i < b.n; i++) {
        while (about != i) std::this_thread::yield();
        pause();
        called = now_ns();
        turn++;
        futex(turn, FUTEX_WAKE_PRIVATE, 1);
    }
    sleeper.join();
    check(b, static_cast<std::int64_t>(took.size()), b.n, "wakes");
    std::nth_element(took.begin(), took.begin() + b.n / 2, took.end());
    emit(b, static_cast<double>(took[took.size() / 2]), "ns_to_run");
}

std::vector<std::int64_t> sorted_lateness(bench& b, std::int64_t length_ns) {
    ::prctl(PR_SET_TIMERSLACK, 1UL);
    std::vector<std::int64_t> lateness;
    for (std::int64_t i = 0; i < b.n; i++) {
        std::int64_t when = now_ns() + length_ns;
        timespec t{static_cast<time_t>(when / 1'000'000'000), static_cast<long>(when % 1'000'000'000)};
        while (::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, nullptr) == EINTR) {
        }
        lateness.push_back(now_ns() - when);
    }
    std::sort(lateness.begin(), lateness.end());
    check(b, lateness.front() < 0, false, "sleeps that ended early");
    return lateness;
}

}  // namespace

void clock_look(bench& b) {
    std::int64_t last = now_ns(), went_back = 0;
    per_op(b, b.n, "ns_per_look", [&] {
        for (std::int64_t i = 0; i < b.n; i++) {
            std::int64_t now = now_ns();
            went_back += now < last ? 1 : 0;
            last = now;
        }
    });
    check(b, went_back, 0, "looks at which the clock went back");
}

// 20 us later: by then it sleeps, and what both need is still in the caches.
void futex_wake(bench& b) {
    wakes(b, [] {
        for (std::int64_t start = now_ns(); now_ns() - start < 20'000;) {
        }
    });
}

// 120 ms later, as in the row wake_idle: processors sleep and caches are cold.
void futex_idle(bench& b) {
    wakes(b, [] { std::this_thread::sleep_for(std::chrono::milliseconds(120)); });
}

// With one fd in the set that has nothing to say.
void epoll_look(bench& b) {
    int epoll = ::epoll_create1(EPOLL_CLOEXEC), silent = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    epoll_event e{.events = EPOLLIN | EPOLLET, .data = {.fd = silent}};
    if (epoll < 0 || silent < 0 || ::epoll_ctl(epoll, EPOLL_CTL_ADD, silent, &e) != 0) die("epoll");
    std::int64_t nothing = 0;
    per_op(b, b.n, "ns_per_call", [&] {
        epoll_event events[64];
        for (std::int64_t i = 0; i < b.n; i++) nothing += ::epoll_wait(epoll, events, 64, 0) == 0 ? 1 : 0;
    });
    check(b, nothing, 2 * b.n, "calls that found nothing");
    ::close(silent);
    ::close(epoll);
}

// One thread asks for a moment a millisecond away, N times; the 99th percentile of how late it runs.
void late(bench& b) {
    std::vector<std::int64_t> lateness = sorted_lateness(b, 1'000'000);
    emit(b, static_cast<double>(lateness[lateness.size() * 99 / 100]) / 1e3, "us_late_p99");
}

// The same for 120 ms, as in the row wake_idle; the median.
void late_idle(bench& b) {
    std::vector<std::int64_t> lateness = sorted_lateness(b, 120'000'000);
    emit(b, static_cast<double>(lateness[lateness.size() / 2]), "ns_late");
}

}  // namespace perf
