// SPDX-License-Identifier: BSL-1.0
// chan_buf: one producer, one consumer, a channel of capacity 128, N items.

#include <gossamer/chan.h>
#include <gossamer/go.h>

#include "perf/support/answers.h"
#include "perf/workloads/rows.h"

namespace perf {

void chan_buf(bench& b) {
    per_op(b, b.n, "ns_per_item", [&] {
        gossamer::chan<int> c(128);
        gossamer::chan<std::int64_t> total;
        gossamer::go([&b, c] {
            for (int i = 0; i < b.n; i++) c.send(i);
            c.close();
        });
        gossamer::go([c, total] {
            std::int64_t sum = 0;
            for (int v : c) sum += v;
            total.send(sum);
        });
        check(b, *total.recv(), sum_below(b.n), "sum");
    });
}

}  // namespace perf
