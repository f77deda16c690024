// SPDX-License-Identifier: BSL-1.0
// timer: one moment at which something is to be done. Intrusive: the caller owns the memory, nothing is allocated.
// Called by / on: a goroutine's stack, g0, a plain thread; inside an in_runtime scope. Locks of a rank before timer_heap may be held.
// Invariants:
//   1 `heap` is non-null exactly while the timer is in that heap; it changes only under that heap's lock.
//   2 Each arm() ends in exactly one of: stop() or reset() returned true, or `fire` was called once.
//   3 arm(), stop() and reset() of one timer are serialised by its owner; only run_due() runs beside them.
//   4 fire runs with `heap` already null and no lock of the timer's held. After it was called the timer may be gone.
// Locks: timer_heap, taken inside.
// The race that matters: stop() against a run_due() that has already taken the timer out. stop() says false, and fire runs or has run: the
//   owner keeps the timer's memory until then, and tells an outdated call by a state of its own.
#pragma once

#include <cstdint>

#include "runtime/base/atomic.h"
#include "runtime/timer/clock.h"

namespace gossamer::rt {

class timer_heap;
struct G;

struct timer {
    // Must not block; may call ready(), spawn a goroutine, lock what it needs.
    void (*fire)(timer*, int64_t now) = nullptr;
    void* arg = nullptr;
    int64_t when = 0;  // guarded by the heap's lock while in a heap
    atomic<timer_heap*> heap{nullptr};
    uint32_t index = 0;  // its place in the heap; guarded by the heap's lock
};

// Puts t into the heap of the caller's P (of P 0 on a plain thread). A `when` that has passed fires at that P's next turn.
// REQUIRES: t is not pending.
void arm(timer* t, int64_t when);
// Makes the parked g ready at `when`. Cannot be taken back, and costs no timer. REQUIRES: called by the commit of g's park.
void arm_sleeper(G* g, int64_t when);
// True iff t was pending; it will then not fire.
bool stop(timer* t);
// Stops t if it is pending, arms it anew either way; returns what stop() would have.
bool reset(timer* t, int64_t when);
// Racy unless the owner serialises it against fire.
inline bool pending(const timer* t) { return t->heap.load(acquire) != nullptr; }  // pairs with the stores in timer_heap

}  // namespace gossamer::rt
