// SPDX-License-Identifier: BSL-1.0
// mutex_free: lock and unlock by one task, N times.

#include <gossamer/mutex.h>
#include <gossamer/wait_group.h>

#include "perf/workloads/rows.h"

namespace perf {

void mutex_free(bench& b) {
    per_op(b, b.n, "ns_per_pair", [&] {
        std::int64_t count = 0;
        gossamer::wait_group group;
        group.go([&] {
            gossamer::mutex mutex;
            for (std::int64_t i = 0; i < b.n; i++) {
                mutex.lock();
                count++;
                mutex.unlock();
            }
        });
        group.wait();
        check(b, count, b.n, "count");
    });
}

}  // namespace perf
