// SPDX-License-Identifier: BSL-1.0
// spawned_not_run: what a task holds that was started and has not run. A starter that computes for 10 ms loses its
// processor, and its tasks run: memory is read every 500 tasks, and the last reading before the first task ran counts.

#include <gossamer/go.h>
#include <gossamer/runtime.h>
#include <gossamer/wait_group.h>

#include <atomic>

#include "perf/support/process.h"
#include "perf/workloads/rows.h"

namespace perf {

namespace {

struct reading {
    std::int64_t started, bytes;
};

reading spawned_once(std::int64_t n) {
    constexpr std::int64_t kStep = 500;
    std::atomic<std::int64_t> ran = 0;
    gossamer::wait_group group;
    group.add(static_cast<std::int32_t>(n));
    reading last{};
    std::int64_t before = rss_bytes();
    for (std::int64_t i = 1; i <= n; i++) {
        gossamer::go([&] {
            ran++;
            group.done();
        });
        if (i % kStep == 0 && ran == 0) {
            std::int64_t bytes = rss_bytes() - before;
            if (ran == 0) last = {i, bytes};
        }
    }
    group.wait();
    return last;
}

}  // namespace

void spawned_not_run(bench& b) {
    b.procs = 1;  // the row is defined for one P: on two, the other one would run the tasks
    gossamer::runtime::set_procs(1);
    rss_bytes();
    spawned_once(10);
    gossamer::yield();  // a fresh time slice
    reading r = spawned_once(b.n);
    check(b, r.started > 0, true, "a reading before any task ran");
    b.n = r.started;
    emit(b, static_cast<double>(r.bytes) / static_cast<double>(r.started), "bytes_per_task");
}

}  // namespace perf
