// SPDX-License-Identifier: BSL-1.0
// threads: a channel and a wait group from std::mutex and std::condition_variable, and the list of rows.

#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "perf/support/bench.h"

namespace perf {

// A channel as one writes it with threads. Capacity 0: push returns only when its item was taken.
class channel {
  public:
    explicit channel(std::size_t capacity = 0) : capacity_(capacity) {}

    void push(std::int64_t v) {
        std::unique_lock lock(mutex_);
        room_.wait(lock, [this] { return items_.size() < (capacity_ > 0 ? capacity_ : 1); });
        items_.push_back(v);
        std::int64_t mine = ++pushed_;
        filled_.notify_one();
        if (capacity_ == 0) taken_.wait(lock, [&] { return popped_ >= mine; });
    }

    // Nothing when closed and empty.
    std::optional<std::int64_t> pop() {
        std::unique_lock lock(mutex_);
        filled_.wait(lock, [this] { return !items_.empty() || closed_; });
        if (items_.empty()) return std::nullopt;
        std::int64_t v = items_.front();
        items_.pop_front();
        popped_++;
        room_.notify_one();
        if (capacity_ == 0) taken_.notify_all();
        return v;
    }

    void close() {
        std::lock_guard lock(mutex_);
        closed_ = true;
        filled_.notify_all();
    }

  private:
    const std::size_t capacity_;
    std::mutex mutex_;
    std::condition_variable room_, filled_, taken_;
    std::deque<std::int64_t> items_;
    std::int64_t pushed_ = 0, popped_ = 0;
    bool closed_ = false;
};

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
    std::mutex mutex_;
    std::condition_variable zero_;
};

template <class F>
void spawn(F f) {
    std::thread(std::move(f)).detach();
}

void spawn_join(bench& b);
void spawn_batch(bench& b);
void skynet(bench& b);
void fib(bench& b);
void parked(bench& b);
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
void serve_echo(bench& b);

}  // namespace perf
