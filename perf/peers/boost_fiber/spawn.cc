// SPDX-License-Identifier: BSL-1.0
// spawn_join, spawn_batch, skynet, fib.

#include <atomic>

#include "perf/peers/boost_fiber/fibers.h"
#include "perf/support/answers.h"

namespace perf {

namespace {

using results = fibers::unbuffered_channel<std::int64_t>;

void start_and_join(std::int64_t n, std::atomic<std::int64_t>& sum) {
    wait_group group(n);
    for (std::int64_t i = 0; i < n; i++) {
        spawn([&] {
            sum++;
            group.done();
        });
    }
    group.wait();
}

void skynet_node(results& out, std::int64_t first, std::int64_t size) {
    if (size == 1) {
        out.push(first);
        return;
    }
    results children;
    std::int64_t part = size / 10, sum = 0;
    for (std::int64_t i = 0; i < 10; i++) {
        spawn([&children, first, part, i] { skynet_node(children, first + i * part, part); });
    }
    for (int i = 0; i < 10; i++) sum += children.value_pop();
    out.push(sum);
}

std::int64_t fib_task(std::int64_t n) {
    if (n < 2) return n;
    std::int64_t left = 0;
    fibers::fiber task(fibers::launch::post, std::allocator_arg, fibers::fixedsize_stack(kStackBytes),
                       [&left, n] { left = fib_task(n - 1); });
    std::int64_t right = fib_task(n - 2);
    task.join();
    return left + right;
}

}  // namespace

void spawn_join(bench& b) {
    std::atomic<std::int64_t> sum = 0;
    per_op(b, b.n, "ns_per_task", [&] { start_and_join(b.n, sum); });
    check(b, sum, 2 * b.n, "tasks run");
}

void spawn_batch(bench& b) {
    constexpr std::int64_t kBatch = 1'000;
    std::atomic<std::int64_t> sum = 0;
    per_op(b, b.n * kBatch, "ns_per_task", [&] {
        for (std::int64_t i = 0; i < b.n; i++) start_and_join(kBatch, sum);
    });
    check(b, sum, 2 * b.n * kBatch, "tasks run");
}

void skynet(bench& b) {
    b.n = power_of_ten_from(b.n);
    auto once = [&] {
        // The leaf pushes from inside the channel's own frame: it must outlive the push, hence the shared pointer.
        auto root = std::make_shared<results>();
        spawn([root, &b] { skynet_node(*root, 0, b.n); });
        check(b, root->value_pop(), sum_below(b.n), "sum of the leaves");
    };
    once();
    auto begin = clock::now();
    once();
    emit(b, ns_since(begin) / 1e6, "ms");
}

void fib(bench& b) {
    per_op(b, fib_tasks(b.n), "ns_per_task", [&] { check(b, fib_task(b.n), fib_plain(b.n), "fib"); });
}

}  // namespace perf
