// SPDX-License-Identifier: BSL-1.0
// timers_pending: start and stop an after_func of 600 s, a million times in one task, while N others are pending. (timer_churn's timers have a
// channel, and one that nobody waits for is in no heap.)

#include <gossamer/time.h>

#include <vector>

#include "perf/support/answers.h"
#include "perf/workloads/rows.h"

namespace perf {

void timers_pending(bench& b) {
    using namespace std::chrono_literals;
    constexpr std::int64_t kPairs = 1'000'000;
    std::vector<gossamer::timer> others;
    others.reserve(static_cast<std::size_t>(b.n));
    // 101 s to 1,100 s from now: none falls due, and half of them are earlier than what is started and stopped.
    for (std::int64_t i = 0; i < b.n; i++) others.push_back(gossamer::after_func(100s + 1000 * sleep_length(i), [] {}));
    per_op(b, kPairs, "ns_per_pair", [&] {
        std::int64_t stopped = 0;
        for (std::int64_t i = 0; i < kPairs; i++) stopped += gossamer::after_func(600s, [] {}).stop() ? 1 : 0;
        check(b, stopped, kPairs, "timers stopped");
    });
    std::int64_t pending = 0;
    for (gossamer::timer& t : others) pending += t.stop() ? 1 : 0;
    check(b, pending, b.n, "timers that were pending");
}

}  // namespace perf
