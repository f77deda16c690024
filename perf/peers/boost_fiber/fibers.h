// SPDX-License-Identifier: BSL-1.0
// fibers: Boost.Fiber as the rows see it, and the rows that it does in its own way.

#pragma once

#include <boost/fiber/all.hpp>
#include <memory>
#include <utility>

#include "perf/peers/rows.h"

namespace perf {

namespace fibers = boost::fibers;

// Every fiber has its stack from the start. 16 KiB of address space are enough for these rows; malloc keeps it from
// being one mapping a stack, which a mapping limit of 65,530 would not survive.
inline constexpr std::size_t kStackBytes = 16 * 1024;

template <class Channel>
struct fiber_channel : Channel {
    using item = typename Channel::value_type;
    using Channel::Channel;
    item take() { return this->value_pop(); }
    bool pop(item& v) { return Channel::pop(v) == fibers::channel_op_status::success; }
};

struct fiber_rival {
    using mutex = fibers::mutex;
    using condition_variable = fibers::condition_variable;
    using item = int;
    using unbuffered = fiber_channel<fibers::unbuffered_channel<int>>;
    using buffered = fiber_channel<fibers::buffered_channel<int>>;  // of 128 places it uses 127

    class task : public fibers::fiber {
      public:
        template <class F>
        explicit task(F f)
            : fiber(fibers::launch::post, std::allocator_arg, fibers::fixedsize_stack(kStackBytes), std::move(f)) {}
    };

    template <class F>
    static void spawn(F f) {
        task(std::move(f)).detach();
    }
    static void yield() { boost::this_fiber::yield(); }
    static void sleep_for(auto d) { boost::this_fiber::sleep_for(d); }
    static void sleep_until(auto t) { boost::this_fiber::sleep_until(t); }

    static constexpr int kWarmTasks = 1'000, kWarmPrimes = 100;
};

// Starts `procs` scheduler threads, runs r on a fiber and waits for it.
void start(const row& r, bench& b);

void skynet(bench& b);
void spawned_not_run(bench& b);

}  // namespace perf
