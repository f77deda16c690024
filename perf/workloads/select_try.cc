// SPDX-License-Identifier: BSL-1.0
// select_try: one receive case on an empty channel and a default, N times in one task.

#include <gossamer/chan.h>
#include <gossamer/go.h>
#include <gossamer/select.h>

#include "perf/workloads/rows.h"

namespace perf {

void select_try(bench& b) {
    per_op(b, b.n, "ns_per_select", [&] {
        gossamer::chan<std::int64_t> misses;
        gossamer::go([&b, misses] {
            gossamer::chan<int> c(1);
            std::int64_t missed = 0;
            for (std::int64_t i = 0; i < b.n; i++) {
                switch (gossamer::select(gossamer::recv(c), gossamer::otherwise)) {
                    case 0:
                        break;
                    case 1:
                        missed++;
                        break;
                }
            }
            misses.send(missed);
        });
        check(b, *misses.recv(), b.n, "selects that took the default");
    });
}

}  // namespace perf
