// SPDX-License-Identifier: BSL-1.0
// block_sys: N tasks each make a blocking call of 50 ms that the runtime was not told about; wall time for all.

#include <gossamer/wait_group.h>

#include "perf/support/blockers.h"
#include "perf/workloads/rows.h"

namespace perf {

void block_sys(bench& b) {
    using namespace std::chrono_literals;
    auto once = [](std::int64_t n) {
        gossamer::wait_group group;
        for (std::int64_t i = 0; i < n; i++) group.go([] { raw_nanosleep(50ms); });
        group.wait();
    };
    once(1);
    auto start = clock::now();
    once(b.n);
    emit(b, ns_since(start) / 1e6, "ms");
}

}  // namespace perf
