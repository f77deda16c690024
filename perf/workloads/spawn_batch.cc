// SPDX-License-Identifier: BSL-1.0
// spawn_batch: N rounds of starting 1,000 tasks and waiting for all of them.

#include <gossamer/go.h>
#include <gossamer/wait_group.h>

#include <atomic>

#include "perf/workloads/rows.h"

namespace perf {

void spawn_batch(bench& b) {
    constexpr int kBatch = 1'000;
    std::atomic<std::int64_t> sum = 0;
    per_op(b, b.n * kBatch, "ns_per_task", [&] {
        for (std::int64_t round = 0; round < b.n; round++) {
            gossamer::wait_group group;
            group.add(kBatch);
            for (int i = 0; i < kBatch; i++) {
                gossamer::go([&] {
                    sum++;
                    group.done();
                });
            }
            group.wait();
        }
    });
    check(b, sum, 2 * b.n * kBatch, "tasks run");
}

}  // namespace perf
