// SPDX-License-Identifier: BSL-1.0
// yield2: two tasks, each gives way N times; nothing else runs.

#include <gossamer/go.h>
#include <gossamer/wait_group.h>

#include "perf/workloads/rows.h"

namespace perf {

void yield2(bench& b) {
    constexpr int kTasks = 2;
    per_op(b, kTasks * b.n, "ns_per_yield", [&] {
        gossamer::wait_group group;
        for (int t = 0; t < kTasks; t++) {
            group.go([&] {
                for (std::int64_t i = 0; i < b.n; i++) gossamer::yield();
            });
        }
        group.wait();
    });
}

}  // namespace perf
