// SPDX-License-Identifier: BSL-1.0
// fib: fork-join fib(N): every call with n > 1 starts a task for fib(n-1), computes fib(n-2) itself and joins.

#include <gossamer/go.h>
#include <gossamer/wait_group.h>

#include "perf/support/answers.h"
#include "perf/workloads/rows.h"

namespace perf {

namespace {

std::int64_t fib_task(std::int64_t n) {
    if (n < 2) return n;
    std::int64_t left = 0;
    gossamer::wait_group group;
    group.add(1);
    gossamer::go([&left, &group, n] {
        left = fib_task(n - 1);
        group.done();
    });
    std::int64_t right = fib_task(n - 2);
    group.wait();
    return left + right;
}

}  // namespace

void fib(bench& b) {
    per_op(b, fib_tasks(b.n), "ns_per_task", [&] { check(b, fib_task(b.n), fib_plain(b.n), "fib"); });
}

}  // namespace perf
