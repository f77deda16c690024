// SPDX-License-Identifier: BSL-1.0
// sleepers: N tasks sleep three times a fixed pseudo-random 1..1000 ms: processor time, and how late the wakes are.

#include <gossamer/go.h>
#include <gossamer/time.h>
#include <gossamer/wait_group.h>

#include <algorithm>
#include <vector>

#include "perf/support/answers.h"
#include "perf/support/process.h"
#include "perf/workloads/rows.h"

namespace perf {

namespace {

constexpr std::int64_t kSleepsEach = 3;

std::vector<std::int64_t> sleepers_once(std::int64_t n) {
    std::vector<std::int64_t> late(static_cast<std::size_t>(n * kSleepsEach));
    gossamer::wait_group group;
    for (std::int64_t i = 0; i < n; i++) {
        group.go([&late, i] {
            for (std::int64_t k = i * kSleepsEach; k < (i + 1) * kSleepsEach; k++) {
                auto d = sleep_length(k);
                auto start = clock::now();
                gossamer::sleep(d);
                late[static_cast<std::size_t>(k)] = (clock::now() - start - d).count();
            }
        });
    }
    group.wait();
    return late;
}

}  // namespace

void sleepers(bench& b) {
    sleepers_once(100);
    b.ops = (100 + b.n) * kSleepsEach;
    auto cpu = cpu_time();
    std::vector<std::int64_t> late = sleepers_once(b.n);
    cpu = cpu_time() - cpu;
    std::sort(late.begin(), late.end());
    check(b, late.front() < 0, false, "sleeps that ended early");
    emit(b, static_cast<double>(cpu.count()) / static_cast<double>(late.size()), "cpu_ns_per_sleep");
    emit(b, static_cast<double>(late[late.size() * 99 / 100]) / 1e3, "us_late_p99");
}

}  // namespace perf
