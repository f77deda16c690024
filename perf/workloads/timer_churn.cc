// SPDX-License-Identifier: BSL-1.0
// timer_churn: create and stop a 10 s timer, N times in one task.

#include <gossamer/time.h>
#include <gossamer/wait_group.h>

#include "perf/workloads/rows.h"

namespace perf {

void timer_churn(bench& b) {
    using namespace std::chrono_literals;
    per_op(b, b.n, "ns_per_pair", [&] {
        std::int64_t stopped = 0;
        gossamer::wait_group group;
        group.go([&] {
            for (std::int64_t i = 0; i < b.n; i++) {
                gossamer::timer t(10s);
                if (t.stop()) stopped++;
            }
        });
        group.wait();
        check(b, stopped, b.n, "timers stopped");
    });
}

}  // namespace perf
