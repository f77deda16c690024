// SPDX-License-Identifier: BSL-1.0
// fibers: what the rows share: how a task is started and how many are waited for.

#pragma once

#include <boost/fiber/all.hpp>
#include <memory>
#include <utility>

#include "perf/support/bench.h"

namespace perf {

namespace fibers = boost::fibers;

// Every fiber has its stack from the start. 16 KiB of address space are enough for these rows; malloc keeps it from
// being one mapping a stack, which a mapping limit of 65,530 would not survive.
inline constexpr std::size_t kStackBytes = 16 * 1024;

template <class F>
void spawn(F f) {
    fibers::fiber(fibers::launch::post, std::allocator_arg, fibers::fixedsize_stack(kStackBytes), std::move(f))
        .detach();
}

// Boost.Fiber has no wait group; this is one from its own mutex and condition variable.
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
    fibers::mutex mutex_;
    fibers::condition_variable zero_;
};

// Starts `procs` scheduler threads, runs r on a fiber and waits for it.
void start(const row& r, bench& b);

void spawn_join(bench& b);
void spawn_batch(bench& b);
void skynet(bench& b);
void fib(bench& b);
void parked(bench& b);
void spawned_not_run(bench& b);
void yield2(bench& b);
void yield1k(bench& b);
void pingpong(bench& b);
void chan_buf(bench& b);
void chan_mpmc(bench& b);
void sieve(bench& b);
void mutex_free(bench& b);
void mutex_hot(bench& b);
void sleepers(bench& b);
void ticker_hog(bench& b);
void block_sys(bench& b);

}  // namespace perf
