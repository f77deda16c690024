// SPDX-License-Identifier: BSL-1.0
// wired: a goroutine that leaves its stack while its thread holds pthread locks (os/held_locks.h) goes on on that thread, where alone they may
// be unlocked. The thread runs nobody else meanwhile: a recursive mutex would let them in, any other would never let them out.
// Called by / on: m_main, on g0, inside the runtime.
// Invariants:
//   1 G::flags has kLocked from before the switch (sched/mcall.cc) until its M holds a P for it again: wherever it lies queued, whoever takes
//     it from the queue sees whose it is.
//   2 It is queued as any other, by ready(); who picks it hands its own P over to G::m. As it is queued once, M::given is written once.
//   3 Its M is in no list while it waits: nobody else gives it a P.
// The race that matters: it is made ready, and picked, before its M has let its own P go. The P given then lies in M::given, and the wake-up in M::wake.
// Not done: the loop on g0 of such an M while others are queued: what it picked it would have to give away again.
#pragma once

#include "runtime/sched/sched.h"

namespace gossamer::rt {

// When g may run on its own M only: gives that M the caller's P, and returns true. The caller then has none.
bool sent_home(M* m, G* g);

// With M::wired: lets the P go (unless nobody else is queued on it), waits until the goroutine's turn has come. The caller then holds a P and runs it.
G* wait_with_wired(M* m);

}  // namespace gossamer::rt
