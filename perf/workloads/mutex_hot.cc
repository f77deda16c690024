// SPDX-License-Identifier: BSL-1.0
// mutex_hot: 8 tasks, one mutex, a counter inside, N locks in all.

#include <gossamer/mutex.h>
#include <gossamer/wait_group.h>

#include <algorithm>
#include <mutex>

#include "perf/workloads/rows.h"

namespace perf {

void mutex_hot(bench& b) {
    constexpr int kTasks = 8;
    std::int64_t each = std::max<std::int64_t>(b.n / kTasks, 1);
    b.n = each * kTasks;
    per_op(b, b.n, "ns_per_pair", [&] {
        gossamer::mutex mutex;
        gossamer::wait_group group;
        std::int64_t count = 0;
        for (int t = 0; t < kTasks; t++) {
            group.go([&] {
                for (std::int64_t i = 0; i < each; i++) {
                    std::lock_guard lock(mutex);
                    count++;
                }
            });
        }
        group.wait();
        check(b, count, b.n, "count");
    });
}

}  // namespace perf
