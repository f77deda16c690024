// SPDX-License-Identifier: BSL-1.0
// skynet, spawned_not_run.

#include <cstdio>
#include <cstdlib>

#include "perf/peers/boost_fiber/fibers.h"

namespace perf {

namespace {

using results = fibers::unbuffered_channel<std::int64_t>;

void skynet_node(results& out, std::int64_t first, std::int64_t size) {
    if (size == 1) {
        out.push(first);
        return;
    }
    results children;
    std::int64_t part = size / 10, sum = 0;
    for (std::int64_t i = 0; i < 10; i++) {
        fiber_rival::spawn([&children, first, part, i] { skynet_node(children, first + i * part, part); });
    }
    for (int i = 0; i < 10; i++) sum += children.value_pop();
    out.push(sum);
}

double spawned_once(std::int64_t n) {
    wait_group<fiber_rival> group(n);
    std::int64_t before = rss_bytes();
    for (std::int64_t i = 0; i < n; i++) fiber_rival::spawn([&] { group.done(); });
    auto grown = static_cast<double>(rss_bytes() - before);
    group.wait();
    return grown / static_cast<double>(n);
}

}  // namespace

void skynet(bench& b) {
    b.n = power_of_ten_from(b.n);
    auto once = [&] {
        // The leaf pushes from inside the channel's own frame: it must outlive the push, hence the shared pointer.
        auto root = std::make_shared<results>();
        fiber_rival::spawn([root, &b] { skynet_node(*root, 0, b.n); });
        check(b, root->value_pop(), sum_below(b.n), "sum of the leaves");
    };
    once();
    auto begin = clock::now();
    once();
    emit(b, ns_since(begin) / 1e6, "ms");
}

void spawned_not_run(bench& b) {
    if (b.procs > 1) {
        std::fprintf(stderr, "spawned_not_run: on two threads the other one would run the tasks; give PROCS=1\n");
        std::_Exit(1);
    }
    rss_bytes();
    spawned_once(10);
    emit(b, spawned_once(b.n), "bytes_per_task");
}

}  // namespace perf
