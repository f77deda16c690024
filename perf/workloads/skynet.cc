// SPDX-License-Identifier: BSL-1.0
// skynet: a tree of 10-way spawns with N leaves; each node sums its children through a channel.

#include <gossamer/chan.h>
#include <gossamer/go.h>

#include "perf/support/answers.h"
#include "perf/workloads/rows.h"

namespace perf {

namespace {

using results = gossamer::chan<std::int64_t>;

void node(const results& out, std::int64_t first, std::int64_t size) {
    if (size == 1) {
        out.send(first);
        return;
    }
    results children;
    std::int64_t part = size / 10, sum = 0;
    for (std::int64_t i = 0; i < 10; i++) gossamer::go(node, children, first + i * part, part);
    for (int i = 0; i < 10; i++) sum += *children.recv();
    out.send(sum);
}

}  // namespace

void skynet(bench& b) {
    b.n = power_of_ten_from(b.n);
    b.ops = 2 * b.n;
    auto once = [&] {
        results root;
        gossamer::go(node, root, std::int64_t{0}, b.n);
        check(b, *root.recv(), sum_below(b.n), "sum of the leaves");
    };
    once();
    auto start = clock::now();
    once();
    emit(b, ns_since(start) / 1e6, "ms");
}

}  // namespace perf
