// SPDX-License-Identifier: BSL-1.0
#include "load.h"

#include <gossamer/go.h>
#include <gossamer/select.h>
#include <gossamer/time.h>
#include <gossamer/wait_group.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace load {

namespace {

using namespace std::chrono_literals;
using steady = std::chrono::steady_clock;

double ms_since(steady::time_point t) { return std::chrono::duration<double, std::milli>(steady::now() - t).count(); }

constexpr auto kTick = 1ms;
double worst_gap = 0;

void saw_tick(steady::time_point& last) {
    worst_gap = std::max(worst_gap, ms_since(last));
    last = steady::now();
}

std::mutex words;
std::atomic<int> failures{0};

void guarded(const std::function<void(int)>& one, int task) {
    try {
        one(task);
    } catch (const std::exception& e) {
        failures++;
        std::lock_guard guard(words);
        std::fprintf(stderr, "task %d: %s\n", task, e.what());
    }
}

double by_goroutines(const std::function<void(int)>& one) {
    double total = 0;
    gossamer::run([&] {
        gossamer::chan<bool> over(0);
        gossamer::wait_group watcher;
        watcher.go([&] {
            gossamer::ticker ticks(kTick);
            auto last = steady::now();
            while (gossamer::select(gossamer::recv(over), gossamer::recv(ticks.c)) == 1) saw_tick(last);
        });
        auto begin = steady::now();
        gossamer::wait_group wg;
        for (int i = 0; i < kTasks; i++) wg.go([&, i] { guarded(one, i); });
        wg.wait();
        total = ms_since(begin);
        over.close();
        watcher.wait();
        return 0;
    });
    return total;
}

double by_threads(const std::function<void(int)>& one) {
    std::atomic<bool> over{false};
    std::thread watcher([&] {
        auto last = steady::now();
        while (!over) {
            std::this_thread::sleep_until(last + kTick);
            saw_tick(last);
        }
    });
    auto begin = steady::now();
    std::vector<std::thread> all;
    for (int i = 0; i < kTasks; i++) all.emplace_back([&, i] { guarded(one, i); });
    for (auto& t : all) t.join();
    double total = ms_since(begin);
    over = true;
    watcher.join();
    return total;
}

}  // namespace

int run(int argc, char** argv, const std::function<void(int)>& one) {
    bool threads = argc > 1 && std::strcmp(argv[1], "threads") == 0;
    if (!threads && (argc < 2 || std::strcmp(argv[1], "goroutines") != 0)) {
        std::fprintf(stderr, "usage: %s goroutines|threads [WHERE]\n", argv[0]);
        return 2;
    }
    double ms = threads ? by_threads(one) : by_goroutines(one);
    std::printf("ms=%.1f worst_gap_ms=%.2f failures=%d\n", ms, worst_gap, failures.load());
    return failures != 0;
}

}  // namespace load
