// SPDX-License-Identifier: BSL-1.0
// start: brings the runtime up at its first use, changes the number of procs, waits for a main goroutine.
// Called by / on: any thread.
#pragma once

namespace gossamer::rt {

// Idempotent; the first call makes Ps, the poller and the monitor. Nothing runs before it, and nothing before main(). Declared in sched/sched.h too.
void start_runtime();
// Sets the number of Ps, 1 to kMaxProcs, and returns the old one; 0 only asks (SEMANTICS RT1). Returns when the new Ps can be used;
// Ps that are too many are let go at their holders' next turn.
unsigned set_procs(unsigned n);

}  // namespace gossamer::rt
