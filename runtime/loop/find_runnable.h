// SPDX-License-Identifier: BSL-1.0
// find_runnable: the order of the sources of work, and the last look before sleeping.
// Called by / on: m_main, on g0, inside the runtime.
//   1 what others ask of this M (attention)            6 the global queue, a fair share
//   2 this P's timers that are due                     7 the network, without waiting
//   3 every 64th turn: the global queue, the network   8 other Ps' timers, half of another P's queue (if few enough search already)
//   4 the next slot (its slice goes on)                9 give the P back, look at everything once more
//   5 the ring                                        10 sleep: one M in netpoll until the earliest deadline of all Ps, the others on their notes
// The proof that no work is stranded stands in sched/idle.h.
#pragma once

#include "runtime/sched/sched.h"

namespace gossamer::rt {

// Blocks the M until it holds a P and has a G to run.
G* find_runnable(M* m);

// Answers what others ask of m, and runs p's timers that are due. REQUIRES: m holds p.
void serve(M* m, P* p);

// A heap's earliest deadline became earlier: the M asleep in netpoll must not oversleep it. The upcall of the timer floor.
void on_new_deadline(int64_t when);

}  // namespace gossamer::rt
