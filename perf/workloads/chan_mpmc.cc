// SPDX-License-Identifier: BSL-1.0
// chan_mpmc: 8 producers, 8 consumers, a channel of capacity 128, N items in all.

#include <gossamer/chan.h>
#include <gossamer/wait_group.h>

#include <algorithm>
#include <atomic>

#include "perf/support/answers.h"
#include "perf/workloads/rows.h"

namespace perf {

void chan_mpmc(bench& b) {
    constexpr int kSides = 8;
    std::int64_t each = std::max<std::int64_t>(b.n / kSides, 1);
    b.n = each * kSides;
    per_op(b, b.n, "ns_per_item", [&] {
        gossamer::chan<int> c(128);
        std::atomic<std::int64_t> sum = 0;
        gossamer::wait_group producers, consumers;
        for (int s = 0; s < kSides; s++) {
            producers.go([&] {
                for (int i = 0; i < each; i++) c.send(i);
            });
            consumers.go([&] {
                std::int64_t mine = 0;
                for (int v : c) mine += v;
                sum += mine;
            });
        }
        producers.wait();
        c.close();
        consumers.wait();
        check(b, sum, kSides * sum_below(each), "sum");
    });
}

}  // namespace perf
