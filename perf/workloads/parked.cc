// SPDX-License-Identifier: BSL-1.0
// parked: N tasks blocked on receive from one channel, then all woken by close.

#include <gossamer/chan.h>
#include <gossamer/go.h>
#include <gossamer/time.h>
#include <gossamer/wait_group.h>

#include <atomic>

#include "perf/support/process.h"
#include "perf/workloads/rows.h"

namespace perf {

namespace {

struct figures {
    double bytes, create, wake;
};

figures parked_once(bench& b, std::int64_t n) {
    using namespace std::chrono_literals;
    figures f{};
    gossamer::chan<int> c;
    std::atomic<std::int64_t> arrived = 0, woken = 0;
    gossamer::wait_group group;
    group.add(static_cast<std::int32_t>(n));
    std::int64_t before = rss_bytes();
    auto start = clock::now();
    for (std::int64_t i = 0; i < n; i++) {
        gossamer::go([&] {
            arrived++;
            if (auto [v, ok] = c.recv(); !ok) woken++;
            group.done();
        });
    }
    while (arrived < n) gossamer::yield();
    f.create = ns_since(start);
    gossamer::sleep(50ms);  // the last to arrive may still be on its way to sleep
    f.bytes = static_cast<double>(rss_bytes() - before);
    start = clock::now();
    c.close();
    group.wait();
    f.wake = ns_since(start);
    check(b, woken, n, "tasks woken by close");
    return f;
}

}  // namespace

void parked(bench& b) {
    rss_bytes();
    parked_once(b, 1'000);
    figures f = parked_once(b, b.n);
    auto n = static_cast<double>(b.n);
    emit(b, f.bytes / n, "bytes_per_task");
    emit(b, f.create / n, "ns_per_task_create");
    emit(b, f.wake / n, "ns_per_task_wake");
}

}  // namespace perf
