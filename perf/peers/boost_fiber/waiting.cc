// SPDX-License-Identifier: BSL-1.0
// parked, spawned_not_run, sleepers, ticker_hog, block_sys.

#include <algorithm>
#include <atomic>
#include <vector>

#include "perf/peers/boost_fiber/fibers.h"
#include "perf/support/answers.h"
#include "perf/support/blockers.h"
#include "perf/support/process.h"

namespace perf {

namespace {

using namespace std::chrono_literals;

struct parked_figures {
    double bytes, create, wake;
};

parked_figures parked_once(bench& b, std::int64_t n) {
    parked_figures f{};
    fibers::unbuffered_channel<int> c;
    std::atomic<std::int64_t> arrived = 0, woken = 0;
    wait_group group(n);
    std::int64_t before = rss_bytes();
    auto begin = clock::now();
    for (std::int64_t i = 0; i < n; i++) {
        spawn([&] {
            arrived++;
            int v = 0;
            if (c.pop(v) == fibers::channel_op_status::closed) woken++;
            group.done();
        });
    }
    while (arrived < n) boost::this_fiber::yield();
    f.create = ns_since(begin);
    boost::this_fiber::sleep_for(50ms);
    f.bytes = static_cast<double>(rss_bytes() - before);
    begin = clock::now();
    c.close();
    group.wait();
    f.wake = ns_since(begin);
    check(b, woken, n, "tasks woken by close");
    return f;
}

double spawned_once(std::int64_t n) {
    wait_group group(n);
    std::int64_t before = rss_bytes();
    for (std::int64_t i = 0; i < n; i++) spawn([&] { group.done(); });
    auto grown = static_cast<double>(rss_bytes() - before);
    group.wait();
    return grown / static_cast<double>(n);
}

constexpr std::int64_t kSleepsEach = 3;

}  // namespace

void parked(bench& b) {
    rss_bytes();
    parked_once(b, 1'000);
    parked_figures f = parked_once(b, b.n);
    auto n = static_cast<double>(b.n);
    emit(b, f.bytes / n, "bytes_per_task");
    emit(b, f.create / n, "ns_per_task_create");
    emit(b, f.wake / n, "ns_per_task_wake");
}

void spawned_not_run(bench& b) {
    if (b.procs > 1) {
        std::fprintf(stderr, "spawned_not_run: on two threads the other one would run the tasks; give PROCS=1\n");
        std::_Exit(1);
    }
    rss_bytes();
    spawned_once(10);
    emit(b, spawned_once(b.n), "bytes_per_task");
}

void sleepers(bench& b) {
    auto once = [](std::int64_t n) {
        std::vector<std::int64_t> late(static_cast<std::size_t>(n * kSleepsEach));
        wait_group group(n);
        for (std::int64_t i = 0; i < n; i++) {
            spawn([&, i] {
                for (std::int64_t k = i * kSleepsEach; k < (i + 1) * kSleepsEach; k++) {
                    auto d = sleep_length(k);
                    auto begin = clock::now();
                    boost::this_fiber::sleep_for(d);
                    late[static_cast<std::size_t>(k)] = (clock::now() - begin - d).count();
                }
                group.done();
            });
        }
        group.wait();
        return late;
    };
    once(100);
    auto cpu = cpu_time();
    std::vector<std::int64_t> late = once(b.n);
    cpu = cpu_time() - cpu;
    std::sort(late.begin(), late.end());
    check(b, late.front() < 0, false, "sleeps that ended early");
    emit(b, static_cast<double>(cpu.count()) / static_cast<double>(late.size()), "cpu_ns_per_sleep");
    emit(b, static_cast<double>(late[late.size() * 99 / 100]) / 1e3, "us_late_p99");
}

void ticker_hog(bench& b) {
    // Boost.Fiber has no ticker: the task sleeps until the next multiple of 10 ms.
    std::int64_t rounds = spin_rounds(b.n);
    std::atomic<int> running = b.procs;
    std::atomic<std::uint64_t> sink = 0;
    std::atomic<bool> ticking = false;
    double gap = 0;
    wait_group group(1);
    spawn([&] {
        auto last = clock::now(), next = last;
        ticking = true;
        while (running > 0) {
            next += 10ms;
            boost::this_fiber::sleep_until(next);
            gap = std::max(gap, ns_since(last));
            last = clock::now();
        }
        group.done();
    });
    while (!ticking) boost::this_fiber::yield();
    for (int i = 0; i < b.procs; i++) {
        spawn([&] {
            sink += spin(rounds);
            running--;
        });
    }
    group.wait();
    emit(b, gap / 1e6, "ms");
}

void block_sys(bench& b) {
    auto once = [](std::int64_t n) {
        wait_group group(n);
        for (std::int64_t i = 0; i < n; i++) {
            spawn([&] {
                raw_nanosleep(50ms);
                group.done();
            });
        }
        group.wait();
    };
    once(1);
    auto begin = clock::now();
    once(b.n);
    emit(b, ns_since(begin) / 1e6, "ms");
}

}  // namespace perf
