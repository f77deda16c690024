// SPDX-License-Identifier: BSL-1.0
// event: how often the slow things have happened, summed by debug/metrics.h.
// Called by / on: any thread, any stack. Slow paths only: beside something that costs a hundred nanoseconds or is done for many goroutines at once.
// Invariants:
//   1 A word is written by its own thread only, with a load and a store: no read-modify-write, no cache line that two threads write.
//   2 count() is neither inlined nor does it switch stacks: the thread_local that it reads is that of the thread on which it runs.
//   3 The words of a thread that has ended stay, and the thread that takes them over goes on from there: no sum ever shrinks.
#pragma once

#include <cstddef>
#include <cstdint>

#include "runtime/base/atomic.h"

namespace gossamer::rt {

// What each means is told to users in lib/gossamer/runtime.h, in the same order.
enum class event : uint8_t {
    search,
    empty_search,
    steal,
    stolen_g,
    share,
    handshake,
    refused_handshake,
    retake,
    preemption,
    fence,
    wake,
    lost_wake,
    sleep,
    poller_wake,
    poller_sleep,
    idle_p,
    lock_wait,
    lock_yield,
    mutex_wait,
    ring_overflow,
    global_put,
    global_put_g,
    global_get,
    global_got_g,
    g_batch,
    stack_batch,
    poll,
    polled_g,
    timer_run,
    kCount,
};

struct event_counts {
    atomic<uint64_t> of[size_t(event::kCount)]{};
};

// Where the calling thread counts from now on; null (as before the first call): nowhere.
void count_into(event_counts* own);
// "searches", … as in lib/gossamer/runtime.h.
const char* words(event what);
[[gnu::noinline]] void count(event what, uint64_t times = 1);

}  // namespace gossamer::rt
