// SPDX-License-Identifier: BSL-1.0
// rows: the workload table for rivals in C++, written once over what a rival has to do it with.
//
// A rival R supplies: mutex, condition_variable; item, and channels of it, `unbuffered` and `buffered` (made with a capacity):
// push(item), item take(), bool pop(item&) that is false when closed and empty, close(); task (started with a callable, join());
// spawn(callable), yield(), sleep_for, sleep_until; kWarmTasks and kWarmPrimes, how much of parked and sieve warms it up.

#pragma once

#include <algorithm>
#include <atomic>
#include <memory>
#include <mutex>
#include <vector>

#include "perf/support/answers.h"
#include "perf/support/bench.h"
#include "perf/support/blockers.h"
#include "perf/support/process.h"

namespace perf {

// None of the rivals has one; this is what one writes with a mutex and a condition variable.
template <class R>
class wait_group {
  public:
    explicit wait_group(std::int64_t count) : count_(count) {}
    void done() {
        // The waiter may destroy this object as soon as it sees zero: notify while the lock is held.
        std::lock_guard lock(mutex_);
        if (--count_ == 0) zero_.notify_all();
    }
    void wait() {
        std::unique_lock lock(mutex_);
        zero_.wait(lock, [this] { return count_ == 0; });
    }

  private:
    std::int64_t count_;
    typename R::mutex mutex_;
    typename R::condition_variable zero_;
};

template <class R>
struct rows {
    using item = typename R::item;
    using group_of = wait_group<R>;

    static void spawn_join(bench& b) {
        std::atomic<std::int64_t> sum = 0;
        per_op(b, b.n, "ns_per_task", [&] { start_and_join(b.n, sum); });
        check(b, sum, 2 * b.n, "tasks run");
    }

    static void spawn_batch(bench& b) {
        constexpr std::int64_t kBatch = 1'000;
        std::atomic<std::int64_t> sum = 0;
        per_op(b, b.n * kBatch, "ns_per_task", [&] {
            for (std::int64_t i = 0; i < b.n; i++) start_and_join(kBatch, sum);
        });
        check(b, sum, 2 * b.n * kBatch, "tasks run");
    }

    static void fib(bench& b) {
        per_op(b, fib_tasks(b.n), "ns_per_task", [&] { check(b, fib_task(b.n), fib_plain(b.n), "fib"); });
    }

    static void yield2(bench& b) {
        per_op(b, 2 * b.n, "ns_per_yield", [&] { yields(2, b.n); });
    }

    static void yield1k(bench& b) {
        per_op(b, 1'000 * b.n, "ns_per_yield", [&] { yields(1'000, b.n); });
    }

    static void pingpong(bench& b) {
        per_op(b, b.n, "ns_per_round_trip", [&] {
            typename R::unbuffered ping, pong;
            group_of group(2);
            R::spawn([&] {
                for (item i = 0; i < b.n; i++) {
                    ping.push(i);
                    check(b, pong.take(), i + 1, "answer");
                }
                group.done();
            });
            R::spawn([&] {
                for (item i = 0; i < b.n; i++) pong.push(ping.take() + 1);
                group.done();
            });
            group.wait();
        });
    }

    static void chan_buf(bench& b) {
        per_op(b, b.n, "ns_per_item", [&] {
            typename R::buffered c(128);
            std::int64_t sum = 0;
            group_of group(2);
            R::spawn([&] {
                for (item i = 0; i < b.n; i++) c.push(i);
                c.close();
                group.done();
            });
            R::spawn([&] {
                sum = drain(c);
                group.done();
            });
            group.wait();
            check(b, sum, sum_below(b.n), "sum");
        });
    }

    static void chan_mpmc(bench& b) {
        constexpr int kSides = 8;
        std::int64_t each = share_of(b, kSides);
        per_op(b, b.n, "ns_per_item", [&] {
            typename R::buffered c(128);
            std::atomic<std::int64_t> sum = 0;
            group_of producers(kSides), consumers(kSides);
            for (int s = 0; s < kSides; s++) {
                R::spawn([&] {
                    for (item i = 0; i < each; i++) c.push(i);
                    producers.done();
                });
                R::spawn([&] {
                    sum += drain(c);
                    consumers.done();
                });
            }
            producers.wait();
            c.close();
            consumers.wait();
            check(b, sum, kSides * sum_below(each), "sum");
        });
    }

    static void sieve(bench& b) {
        std::int64_t warm = std::min<std::int64_t>(b.n, R::kWarmPrimes), want = nth_prime(b.n);
        check(b, sieve_once(warm), nth_prime(warm), "last prime");
        auto begin = clock::now();
        std::int64_t got = sieve_once(b.n);
        double took = ns_since(begin);
        check(b, got, want, "last prime");
        emit(b, took / 1e6, "ms");
    }

    static void mutex_free(bench& b) {
        per_op(b, b.n, "ns_per_pair", [&] {
            // On a task of its own: a process with one thread gets cheaper locks from libc.
            group_of group(1);
            std::int64_t count = 0;
            R::spawn([&] {
                typename R::mutex mutex;
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

    static void mutex_hot(bench& b) {
        constexpr int kTasks = 8;
        std::int64_t each = share_of(b, kTasks);
        per_op(b, b.n, "ns_per_pair", [&] {
            typename R::mutex mutex;
            group_of group(kTasks);
            std::int64_t count = 0;
            for (int t = 0; t < kTasks; t++) {
                R::spawn([&] {
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

    static void parked(bench& b) {
        rss_bytes();
        parked_once(b, R::kWarmTasks);
        parked_figures f = parked_once(b, b.n);
        auto n = static_cast<double>(b.n);
        emit(b, f.bytes / n, "bytes_per_task");
        emit(b, f.create / n, "ns_per_task_create");
        emit(b, f.wake / n, "ns_per_task_wake");
    }

    static void sleepers(bench& b) {
        sleep_all(100);
        auto cpu = cpu_time();
        std::vector<std::int64_t> late = sleep_all(b.n);
        cpu = cpu_time() - cpu;
        std::sort(late.begin(), late.end());
        check(b, late.front() < 0, false, "sleeps that ended early");
        emit(b, static_cast<double>(cpu.count()) / static_cast<double>(late.size()), "cpu_ns_per_sleep");
        emit(b, static_cast<double>(late[late.size() * 99 / 100]) / 1e3, "us_late_p99");
    }

    // No rival has a ticker: the task sleeps until the next multiple of 10 ms.
    static void ticker_hog(bench& b) {
        std::int64_t rounds = spin_rounds(b.n);
        std::atomic<int> running = b.procs;
        std::atomic<std::uint64_t> sink = 0;
        std::atomic<bool> ticking = false;
        double gap = 0;
        group_of group(1);
        R::spawn([&] {
            auto last = clock::now(), next = last;
            ticking = true;
            while (running > 0) {
                next += std::chrono::milliseconds(10);
                R::sleep_until(next);
                gap = std::max(gap, ns_since(last));
                last = clock::now();
            }
            group.done();
        });
        while (!ticking) R::yield();
        for (int i = 0; i < b.procs; i++) {
            R::spawn([&] {
                sink += spin(rounds);
                running--;
            });
        }
        group.wait();
        emit(b, gap / 1e6, "ms");
    }

    static void block_sys(bench& b) {
        auto once = [](std::int64_t n) {
            group_of group(n);
            for (std::int64_t i = 0; i < n; i++) {
                R::spawn([&] {
                    raw_nanosleep(std::chrono::milliseconds(50));
                    group.done();
                });
            }
            group.wait();
        };
        once(1);
        auto begin = clock::now();
        once(b.n);
        emit(b, ns_since(begin) / 1e6, "ms");
    }

  private:
    // Rounds b.n down to a multiple of `tasks`; each one's share of it.
    static std::int64_t share_of(bench& b, int tasks) {
        std::int64_t each = std::max<std::int64_t>(b.n / tasks, 1);
        b.n = each * tasks;
        return each;
    }

    static void start_and_join(std::int64_t n, std::atomic<std::int64_t>& sum) {
        group_of group(n);
        for (std::int64_t i = 0; i < n; i++) {
            R::spawn([&] {
                sum++;
                group.done();
            });
        }
        group.wait();
    }

    static std::int64_t fib_task(std::int64_t n) {
        if (n < 2) return n;
        std::int64_t left = 0;
        typename R::task task([&left, n] { left = fib_task(n - 1); });
        std::int64_t right = fib_task(n - 2);
        task.join();
        return left + right;
    }

    static void yields(int tasks, std::int64_t each) {
        group_of group(tasks);
        for (int t = 0; t < tasks; t++) {
            R::spawn([&] {
                for (std::int64_t i = 0; i < each; i++) R::yield();
                group.done();
            });
        }
        group.wait();
    }

    static std::int64_t drain(typename R::buffered& c) {
        std::int64_t sum = 0;
        item v = 0;
        while (c.pop(v)) sum += v;
        return sum;
    }

    static std::int64_t sieve_once(std::int64_t count) {
        auto c = std::make_shared<typename R::unbuffered>();
        R::spawn([c] {
            for (item v = 2;; v++) c->push(v);
        });
        item prime = 0;
        for (std::int64_t k = 0; k < count; k++) {
            prime = c->take();
            auto out = std::make_shared<typename R::unbuffered>();
            R::spawn([in = c, out, prime] {
                for (;;) {
                    item v = in->take();
                    if (v % prime != 0) out->push(v);
                }
            });
            c = out;
        }
        return prime;
    }

    struct parked_figures {
        double bytes, create, wake;
    };
    static parked_figures parked_once(bench& b, std::int64_t n) {
        parked_figures f{};
        typename R::unbuffered c;
        std::atomic<std::int64_t> arrived = 0, woken = 0;
        group_of group(n);
        std::int64_t before = rss_bytes();
        auto begin = clock::now();
        for (std::int64_t i = 0; i < n; i++) {
            R::spawn([&] {
                arrived++;
                item v = 0;
                if (!c.pop(v)) woken++;
                group.done();
            });
        }
        while (arrived < n) R::yield();
        f.create = ns_since(begin);
        R::sleep_for(std::chrono::milliseconds(50));
        f.bytes = static_cast<double>(rss_bytes() - before);
        begin = clock::now();
        c.close();
        group.wait();
        f.wake = ns_since(begin);
        check(b, woken, n, "tasks woken by close");
        return f;
    }

    static std::vector<std::int64_t> sleep_all(std::int64_t n) {
        constexpr std::int64_t kSleepsEach = 3;
        std::vector<std::int64_t> late(static_cast<std::size_t>(n * kSleepsEach));
        group_of group(n);
        for (std::int64_t i = 0; i < n; i++) {
            R::spawn([&, i] {
                for (std::int64_t k = i * kSleepsEach; k < (i + 1) * kSleepsEach; k++) {
                    auto d = sleep_length(k);
                    auto begin = clock::now();
                    R::sleep_for(d);
                    late[static_cast<std::size_t>(k)] = (clock::now() - begin - d).count();
                }
                group.done();
            });
        }
        group.wait();
        return late;
    }
};

}  // namespace perf
