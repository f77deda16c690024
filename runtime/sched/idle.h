// SPDX-License-Identifier: BSL-1.0
// idle: Ps without an M, Ms without a P, and the rule of who is woken.
// Called by / on: inside the runtime, g0 or a G's stack; sysmon.
// Invariants:
//   1 An idle P has an empty queue (its timers stay in its heap, watched by who sleeps in netpoll and by sysmon).
//   2 No work is stranded while an M sleeps: whoever makes work does (a) store it in a queue, (b) light_fence, (c) looks at idle_ps and spinning,
//     and wakes an M when a P is idle and nobody searches. Whoever goes to sleep does (d) give its P back (idle_ps + 1), and stop searching
//     (spinning - 1), (e) heavy_fence, (f) looks at all queues once more. If (c) saw no idle P or a searcher, it read before (d); then (a) was
//     before the fence (e), and (f) sees the work.
//   3 A next slot alone is not such work when its owner is likely to run it within microseconds (P::eager_wake is false): then sysmon
//     watches it (loop/sysmon.cc), and wakes an M when it does not move.
//     So are a few sleepers whose time has come, when their P looks after its timers all the time (timer_heap::run_due).
//   4 One wake-up at a time: a waker raises `spinning` from 0 to 1 on behalf of the woken; the woken wakes the next when it finds work.
// Locks: sched.mutex for the lists; never held over a futex wake or a thread's start.
#pragma once

#include "runtime/sched/sched.h"

namespace gossamer::rt {

// Wakes one M to search, when a P is idle and nobody searches. `next_of`: the caller's P when its next slot is what there is to find.
void wake_one(const P* next_of = nullptr);
inline void wake_if_idle(const P* next_of = nullptr) {
    light_fence();
    if (sched.idle_ps.load(relaxed) != 0 &&  // pairs with the heavy fence of who goes to sleep
        sched.spinning.load(relaxed) == 0)   // pairs with the same
        wake_one(next_of);
}

// m searches no longer, if it did.
inline void stop_searching(M* m) {
    if (!m->spinning) return;
    m->spinning = false;
    sched.spinning.fetch_sub(1);
}

// wake_if_idle() for who holds no P: no heavy fence waits for it, so it fences itself.
void wake_from_outside();

// Gives the P to an M: an idle one or a new one. The M starts searching when `spinning` (already counted).
void start_m(P* p, bool spinning, const P* next_of = nullptr);
// Hands on the P of a thread that blocks: to an M when there is work for it, else to the idle list. The queue may be full.
void hand_off(P* p);

// A queue somewhere holds a G (next slots aside: invariant 3).
bool work_anywhere();
// The same without the ring of `own`.
bool work_elsewhere(const P* own);
// Nothing in p's ring is worth a wake-up (invariant 3). REQUIRES: the caller holds p.
inline bool is_quiet(const P* p) { return p->quiet_tail == p->tail.load(relaxed); }  // owner's own

// An idle P, `preferred` if it is idle; null when there is none. The caller becomes its holder.
P* acquire_idle_p(M* m, P* preferred);
// The caller's P to the idle list. REQUIRES: empty queue.
void release_p(M* m);
// Links M and P.
void hold(M* m, P* p);

// Sleeps until a P is given. REQUIRES: on g0, no P.
void stop_m(M* m);

// Makes Ps up to n exist.
void make_ps(unsigned n);
// The number of Ps in use becomes n; Ps beyond it are let go at their holders' next door, or seized by sysmon. Serialised by the caller.
void resize_ps(unsigned n);
M* new_m();
// Memory of an M, never freed.
M* allocate_m();

}  // namespace gossamer::rt
