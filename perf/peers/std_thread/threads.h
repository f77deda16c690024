// SPDX-License-Identifier: BSL-1.0
// threads: plain threads as the rows see them, with a channel from std::mutex and std::condition_variable, and the rows of their own.

#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>

#include "perf/peers/rows.h"

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

    // False when closed and empty.
    bool pop(std::int64_t& v) {
        std::unique_lock lock(mutex_);
        filled_.wait(lock, [this] { return !items_.empty() || closed_; });
        if (items_.empty()) return false;
        v = items_.front();
        items_.pop_front();
        popped_++;
        room_.notify_one();
        if (capacity_ == 0) taken_.notify_all();
        return true;
    }

    std::int64_t take() {
        std::int64_t v = 0;
        pop(v);
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

struct thread_rival {
    using mutex = std::mutex;
    using condition_variable = std::condition_variable;
    using item = std::int64_t;
    using unbuffered = channel;
    using buffered = channel;
    using task = std::thread;

    template <class F>
    static void spawn(F f) {
        std::thread(std::move(f)).detach();
    }
    static void yield() { std::this_thread::yield(); }
    static void sleep_for(auto d) { std::this_thread::sleep_for(d); }
    static void sleep_until(auto t) { std::this_thread::sleep_until(t); }

    static constexpr int kWarmTasks = 100, kWarmPrimes = 50;
};

void skynet(bench& b);
void serve_echo(bench& b);

}  // namespace perf
