// SPDX-License-Identifier: BSL-1.0
// yield2, yield1k, pingpong, chan_buf, chan_mpmc, sieve, mutex_free, mutex_hot.

#include <atomic>

#include "perf/peers/boost_fiber/fibers.h"
#include "perf/support/answers.h"

namespace perf {

namespace {

using unbuffered = fibers::unbuffered_channel<int>;
using buffered = fibers::buffered_channel<int>;

void yields(int tasks, std::int64_t each) {
    wait_group group(tasks);
    for (int t = 0; t < tasks; t++) {
        spawn([&] {
            for (std::int64_t i = 0; i < each; i++) boost::this_fiber::yield();
            group.done();
        });
    }
    group.wait();
}

int sieve_once(std::int64_t count) {
    auto c = std::make_shared<unbuffered>();
    spawn([c] {
        for (int v = 2; c->push(v) == fibers::channel_op_status::success; v++) {
        }
    });
    int prime = 0;
    for (std::int64_t k = 0; k < count; k++) {
        prime = c->value_pop();
        auto out = std::make_shared<unbuffered>();
        spawn([in = c, out, prime] {
            for (;;) {
                int v = in->value_pop();
                if (v % prime != 0) out->push(v);
            }
        });
        c = out;
    }
    return prime;
}

}  // namespace

void yield2(bench& b) {
    per_op(b, 2 * b.n, "ns_per_yield", [&] { yields(2, b.n); });
}

void yield1k(bench& b) {
    per_op(b, 1'000 * b.n, "ns_per_yield", [&] { yields(1'000, b.n); });
}

void pingpong(bench& b) {
    per_op(b, b.n, "ns_per_round_trip", [&] {
        unbuffered ping, pong;
        wait_group group(2);
        spawn([&] {
            for (int i = 0; i < b.n; i++) {
                ping.push(i);
                check(b, pong.value_pop(), i + 1, "answer");
            }
            group.done();
        });
        spawn([&] {
            for (int i = 0; i < b.n; i++) pong.push(ping.value_pop() + 1);
            group.done();
        });
        group.wait();
    });
}

void chan_buf(bench& b) {
    per_op(b, b.n, "ns_per_item", [&] {
        buffered c(128);  // of which this channel uses 127
        std::int64_t sum = 0;
        wait_group group(2);
        spawn([&] {
            for (int i = 0; i < b.n; i++) c.push(i);
            c.close();
            group.done();
        });
        spawn([&] {
            int v = 0;
            while (c.pop(v) == fibers::channel_op_status::success) sum += v;
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
        buffered c(128);
        std::atomic<std::int64_t> sum = 0;
        wait_group producers(kSides), consumers(kSides);
        for (int s = 0; s < kSides; s++) {
            spawn([&] {
                for (int i = 0; i < each; i++) c.push(i);
                producers.done();
            });
            spawn([&] {
                std::int64_t mine = 0;
                int v = 0;
                while (c.pop(v) == fibers::channel_op_status::success) mine += v;
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
    int want = nth_prime(b.n);
    check(b, sieve_once(std::min<std::int64_t>(b.n, 100)), nth_prime(std::min<std::int64_t>(b.n, 100)), "last prime");
    auto begin = clock::now();
    int got = sieve_once(b.n);
    double took = ns_since(begin);
    check(b, got, want, "last prime");
    emit(b, took / 1e6, "ms");
}

void mutex_free(bench& b) {
    per_op(b, b.n, "ns_per_pair", [&] {
        wait_group group(1);
        std::int64_t count = 0;
        spawn([&] {
            fibers::mutex mutex;
            for (std::int64_t i = 0; i < b.n; i++) {
                mutex.lock();
                count++;
                mutex.unlock();
            }
            group.done();
        });
        group.wait();
        check(b, count, b.n, "count");
    });
}

void mutex_hot(bench& b) {
    constexpr int kTasks = 8;
    std::int64_t each = std::max<std::int64_t>(b.n / kTasks, 1);
    b.n = each * kTasks;
    per_op(b, b.n, "ns_per_pair", [&] {
        fibers::mutex mutex;
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
