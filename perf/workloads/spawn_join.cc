// SPDX-License-Identifier: BSL-1.0
// spawn_join: N tasks started one after the other, each adds one and signals a wait group.

#include <gossamer/go.h>
#include <gossamer/wait_group.h>

#include <atomic>

#include "perf/workloads/rows.h"

namespace perf {

void spawn_join(bench& b) {
    std::atomic<std::int64_t> sum = 0;
    per_op(b, b.n, "ns_per_task", [&] {
        gossamer::wait_group group;
        group.add(static_cast<std::int32_t>(b.n));
        for (std::int64_t i = 0; i < b.n; i++) {
            gossamer::go([&] {
                sum++;
                group.done();
            });
        }
        group.wait();
    });
    check(b, sum, 2 * b.n, "tasks run");
}

}  // namespace perf
