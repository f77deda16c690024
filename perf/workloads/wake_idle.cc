// SPDX-License-Identifier: BSL-1.0
// wake_idle: a task is made ready while every thread that could run it sleeps: how long until it runs. By a plain thread and by a timer,
// N times each with pauses in which the whole process falls asleep; by a task that goes on computing (with two processors), 10 N times
// with pauses in which the other thread does.

#include <gossamer/chan.h>
#include <gossamer/go.h>
#include <gossamer/time.h>

#include <algorithm>
#include <thread>
#include <vector>

#include "perf/support/blockers.h"
#include "perf/workloads/rows.h"

namespace perf {

namespace {

using namespace std::chrono_literals;

constexpr auto kAllAsleep = 120ms;  // the monitor, which sleeps last, does so 90 ms after the last task
constexpr auto kOtherAsleep = 1ms;

struct percentiles {
    double median, p99;
};

percentiles of(std::vector<double> took) {
    std::sort(took.begin(), took.end());
    return {took[took.size() / 2], took[took.size() * 99 / 100]};
}

percentiles by_thread(std::int64_t n) {
    gossamer::chan<clock::time_point> c;
    std::thread waker([&] {
        for (std::int64_t i = 0; i < n; i++) {
            raw_nanosleep(kAllAsleep);
            c.send(clock::now());
        }
    });
    std::vector<double> took;
    for (std::int64_t i = 0; i < n; i++) took.push_back(ns_since(*c.recv()));
    waker.join();
    return of(std::move(took));
}

percentiles by_timer(std::int64_t n) {
    std::vector<double> took;
    for (std::int64_t i = 0; i < n; i++) {
        auto due = clock::now() + kAllAsleep;
        gossamer::sleep(kAllAsleep);
        took.push_back(ns_since(due));
    }
    return of(std::move(took));
}

percentiles by_task(std::int64_t n) {
    gossamer::chan<clock::time_point> c;
    gossamer::go([c, n] {
        for (std::int64_t i = 0; i < n; i++) {
            // Computes: no thread that searches for work finds any here, and falls asleep.
            for (auto start = clock::now(); clock::now() - start < kOtherAsleep;) spin(100);
            c.send(clock::now());
        }
        c.close();
    });
    std::vector<double> took;
    for (auto& woken : c) took.push_back(ns_since(woken));
    return of(std::move(took));
}

}  // namespace

void wake_idle(bench& b) {
    by_thread(1);
    percentiles thread = by_thread(b.n);
    emit(b, thread.median, "ns_by_thread");
    emit(b, thread.p99, "ns_by_thread_p99");
    percentiles timer = by_timer(b.n);
    emit(b, timer.median, "ns_by_timer");
    emit(b, timer.p99, "ns_by_timer_p99");
    if (b.procs == 1) return;
    by_task(10);
    percentiles task = by_task(10 * b.n);
    emit(b, task.median, "ns_by_task");
    emit(b, task.p99, "ns_by_task_p99");
}

}  // namespace perf
