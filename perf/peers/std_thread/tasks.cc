// SPDX-License-Identifier: BSL-1.0
// spawn_join, spawn_batch, skynet, fib, yield2, yield1k, pingpong, chan_buf, chan_mpmc, sieve, mutex_free, mutex_hot.

#include <atomic>
#include <memory>

#include "perf/peers/std_thread/threads.h"
#include "perf/support/answers.h"

namespace perf {

namespace {

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

void skynet_node(channel& out, std::int64_t first, std::int64_t size) {
    if (size == 1) return out.push(first);
    channel children;
    std::int64_t part = size / 10, sum = 0;
    std::vector<std::thread> threads;
    for (std::int64_t i = 0; i < 10; i++) {
        threads.emplace_back([&children, first, part, i] { skynet_node(children, first + i * part, part); });
    }
    for (int i = 0; i < 10; i++) sum += *children.pop();
    for (std::thread& t : threads) t.join();
    out.push(sum);
}

std::int64_t fib_task(std::int64_t n) {
    if (n < 2) return n;
    std::int64_t left = 0;
    std::thread task([&] { left = fib_task(n - 1); });
    std::int64_t right = fib_task(n - 2);
    task.join();
    return left + right;
}

void yields(int tasks, std::int64_t each) {
    wait_group group(tasks);
    for (int t = 0; t < tasks; t++) {
        spawn([&] {
            for (std::int64_t i = 0; i < each; i++) std::this_thread::yield();
            group.done();
        });
    }
    group.wait();
}

std::int64_t sieve_once(std::int64_t count) {
    auto c = std::make_shared<channel>();
    spawn([c] {
        for (std::int64_t v = 2;; v++) c->push(v);
    });
    std::int64_t prime = 0;
    for (std::int64_t k = 0; k < count; k++) {
        prime = *c->pop();
        auto out = std::make_shared<channel>();
        spawn([in = c, out, prime] {
            for (;;) {
                std::int64_t v = *in->pop();
                if (v % prime != 0) out->push(v);
            }
        });
        c = out;
    }
    return prime;
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
        channel root;
        std::thread top([&] { skynet_node(root, 0, b.n); });
        check(b, *root.pop(), sum_below(b.n), "sum of the leaves");
        top.join();
    };
    once();
    auto begin = clock::now();
    once();
    emit(b, ns_since(begin) / 1e6, "ms");
}

void fib(bench& b) {
    per_op(b, fib_tasks(b.n), "ns_per_task", [&] { check(b, fib_task(b.n), fib_plain(b.n), "fib"); });
}

void yield2(bench& b) {
    per_op(b, 2 * b.n, "ns_per_yield", [&] { yields(2, b.n); });
}

void yield1k(bench& b) {
    per_op(b, 1'000 * b.n, "ns_per_yield", [&] { yields(1'000, b.n); });
}

void pingpong(bench& b) {
    per_op(b, b.n, "ns_per_round_trip", [&] {
        channel ping, pong;
        wait_group group(2);
        spawn([&] {
            for (std::int64_t i = 0; i < b.n; i++) {
                ping.push(i);
                check(b, *pong.pop(), i + 1, "answer");
            }
            group.done();
        });
        spawn([&] {
            for (std::int64_t i = 0; i < b.n; i++) pong.push(*ping.pop() + 1);
            group.done();
        });
        group.wait();
    });
}

void chan_buf(bench& b) {
    per_op(b, b.n, "ns_per_item", [&] {
        channel c(128);
        std::int64_t sum = 0;
        wait_group group(2);
        spawn([&] {
            for (std::int64_t i = 0; i < b.n; i++) c.push(i);
            c.close();
            group.done();
        });
        spawn([&] {
            while (auto v = c.pop()) sum += *v;
            group.done();
        });
        group.wait();
        check(b, sum, sum_below(b.n), "sum");
    });
}

void chan_mpmc(bench& b) {
    constexpr int kSides = 8;
    std::int64_t each = std::max<std::int64_t>(b.n / kSides, 1);
    b.n = each * kSides;
    per_op(b, b.n, "ns_per_item", [&] {
        channel c(128);
        std::atomic<std::int64_t> sum = 0;
        wait_group producers(kSides), consumers(kSides);
        for (int s = 0; s < kSides; s++) {
            spawn([&] {
                for (std::int64_t i = 0; i < each; i++) c.push(i);
                producers.done();
            });
            spawn([&] {
                std::int64_t mine = 0;
                while (auto v = c.pop()) mine += *v;
                sum += mine;
                consumers.done();
            });
        }
        producers.wait();
        c.close();
        consumers.wait();
        check(b, sum, kSides * sum_below(each), "sum");
    });
}

void sieve(bench& b) {
    std::int64_t warm = std::min<std::int64_t>(b.n, 50);
    check(b, sieve_once(warm), nth_prime(warm), "last prime");
    auto begin = clock::now();
    std::int64_t got = sieve_once(b.n);
    double took = ns_since(begin);
    check(b, got, nth_prime(b.n), "last prime");
    emit(b, took / 1e6, "ms");
}

void mutex_free(bench& b) {
    per_op(b, b.n, "ns_per_pair", [&] {
        // On a thread of its own: a process with one thread gets cheaper locks from libc.
        std::int64_t count = 0;
        std::thread task([&] {
            std::mutex mutex;
            for (std::int64_t i = 0; i < b.n; i++) {
                mutex.lock();
                count++;
                mutex.unlock();
            }
        });
        task.join();
        check(b, count, b.n, "count");
    });
}

void mutex_hot(bench& b) {
    constexpr int kTasks = 8;
    std::int64_t each = std::max<std::int64_t>(b.n / kTasks, 1);
    b.n = each * kTasks;
    per_op(b, b.n, "ns_per_pair", [&] {
        std::mutex mutex;
        wait_group group(kTasks);
        std::int64_t count = 0;
        for (int t = 0; t < kTasks; t++) {
            spawn([&] {
                for (std::int64_t i = 0; i < each; i++) {
                    std::lock_guard lock(mutex);
                    count++;
                }
                group.done();
            });
        }
        group.wait();
        check(b, count, b.n, "count");
    });
}

}  // namespace perf
