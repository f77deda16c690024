// SPDX-License-Identifier: BSL-1.0
// chan_chain: N tasks, each hands on what it receives from the one before, through unbuffered channels; numbers pass through all of them, a
// million hand-overs or two numbers at the least. How the cost of a channel grows with the number of stacks that wait.

#include <gossamer/chan.h>
#include <gossamer/go.h>

#include <algorithm>

#include "perf/support/answers.h"
#include "perf/workloads/rows.h"

namespace perf {

void chan_chain(bench& b) {
    constexpr std::int64_t kHops = 1'000'000;
    std::int64_t numbers = std::max<std::int64_t>(kHops / b.n, 2);
    gossamer::chan<std::int64_t> first, last = first;
    for (std::int64_t i = 0; i < b.n; i++) {
        gossamer::chan<std::int64_t> next;
        gossamer::go([in = last, out = next] {
            for (std::int64_t v : in) out.send(v);
            out.close();
        });
        last = next;
    }
    auto pass = [&] {
        gossamer::go([&] {
            for (std::int64_t i = 0; i < numbers; i++) first.send(i);
        });
        std::int64_t sum = 0;
        for (std::int64_t i = 0; i < numbers; i++) sum += *last.recv();
        check(b, sum, sum_below(numbers), "sum of what passed");
    };
    per_op(b, numbers * b.n, "ns_per_hand_over", pass);
    first.close();
    check(b, last.recv().ok, false, "a value after the last");
}

}  // namespace perf
