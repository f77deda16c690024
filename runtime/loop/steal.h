// SPDX-License-Identifier: BSL-1.0
// steal: how an M without work gets some from other Ps.
// Called by / on: find_runnable, on g0, holding a P with an empty queue.
// A thief never touches a ring whose owner is inside the runtime. It asks (kShare): the owner answers at its next door by moving half of its ring
// to the global queue. An owner that does not answer computes or blocks: then the thief seizes it (sched/handshake.h).
#pragma once

#include "runtime/sched/sched.h"

namespace gossamer::rt {

// Searches for some microseconds; null when nothing turned up. May run timers of other Ps.
G* steal(M* m);

}  // namespace gossamer::rt
