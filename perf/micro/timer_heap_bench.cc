// SPDX-License-Identifier: BSL-1.0
// timer_heap_bench: arm and stop with a hundred thousand other timers pending, and running those that are due in order.
// `timer_heap_bench [TIMERS]`; mirrors runtime/timer/timer_heap.h.

#include "runtime/timer/timer_heap.h"

#include <cstdlib>
#include <random>
#include <vector>

#include "perf/support/bench.h"

int main(int argc, char** argv) {
    using namespace gossamer::rt;
    std::int64_t n = argc > 1 ? std::atoll(argv[1]) : 100'000;
    perf::bench b{"timer_heap", 1, n, argv[0]};
    atomic<std::int64_t> deadline{kNever};
    timer_heap heap(deadline);
    std::mt19937_64 random(1);
    std::vector<std::int64_t> moments(static_cast<std::size_t>(n));
    for (auto& m : moments) m = static_cast<std::int64_t>(random() % 1'000'000'000) + 1;
    std::int64_t fired = 0;
    std::vector<timer> timers(moments.size());
    for (timer& t : timers) {
        t.arg = &fired;
        t.fire = [](timer* self, std::int64_t) { ++*static_cast<std::int64_t*>(self->arg); };
    }
    auto arm_all = [&] {
        for (std::size_t i = 0; i < timers.size(); i++) heap.add(&timers[i], moments[i]);
    };

    arm_all();
    timer one;
    one.fire = timers[0].fire;
    perf::per_op(b, n, "ns_per_arm_and_stop", [&] {
        for (std::int64_t m : moments) {
            heap.add(&one, m);
            perf::check(b, heap.remove(&one), true, "stopped");
        }
    });
    heap.run_due(2'000'000'000);
    perf::check(b, fired, n, "timers fired");

    fired = 0;
    perf::per_op(b, n, "ns_per_arm_and_fire", [&] {
        arm_all();
        heap.run_due(2'000'000'000);
    });
    perf::check(b, fired, 2 * n, "timers fired");
}
