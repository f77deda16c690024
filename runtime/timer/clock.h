// SPDX-License-Identifier: BSL-1.0
// clock: the one clock of timers, deadlines and lateness: monotonic nanoseconds, the same as std::chrono::steady_clock's (TM2).
// Called by / on: any thread, any stack.
#pragma once

#include <cstdint>
#include <limits>

#include "runtime/os/os.h"
#include "runtime/os/tick_clock.h"

namespace gossamer::rt {

// A deadline that never comes.
inline constexpr int64_t kNever = std::numeric_limits<int64_t>::max();

inline int64_t now_ns() { return os::now_ns(); }

// now + d, where a sum that does not fit means for ever (TM1); a negative d is a moment that has passed.
inline int64_t add_saturated(int64_t now, int64_t d) {
    int64_t sum;
    if (__builtin_add_overflow(now, d, &sum)) return d > 0 ? kNever : 0;
    return sum;
}
// Never before d has passed, by less than 2 kQuickFuzz after it (TM1).
inline int64_t after_ns(int64_t d) {
    return add_saturated(d > 0 ? os::quick_now_ns() + os::kQuickFuzz : now_ns(),
                         d);  // what has passed has passed at once
}

}  // namespace gossamer::rt
