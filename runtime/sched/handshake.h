// SPDX-License-Identifier: BSL-1.0
// handshake: how anybody may touch the P of an M that is outside the runtime, whatever its thread is doing: blocked in a system call nobody
// announced, computing, holding a std::mutex. No signal, no hook, no annotation.
// Called by / on: sysmon and searching Ms, inside or outside the runtime; never while holding sched's lock.
// Invariants: 1 act() runs while the victim is outside and cannot come in: its next enter() sees kSeizing and waits.
//   2 one seizer per victim at a time (M::seizing).
// The race that matters: see sched/current.h. seize: attention |= kSeizing; heavy fence; load in_runtime. enter: in_runtime = 1; load attention.
//   The fence puts a full barrier into the victim's thread between its store and its load, or before both, or after both.
#pragma once

#include "runtime/sched/current.h"

namespace gossamer::rt {

// When `victim` holds `p` and is outside the runtime: runs act(arg), which may take the queue's Gs or the P itself (set victim->p to null
// and leave kTaken), and returns true. Otherwise returns false and changes nothing.
bool seize(M* victim, P* p, void (*act)(M* victim, P* p, void* arg), void* arg);

}  // namespace gossamer::rt
