// SPDX-License-Identifier: BSL-1.0
// start: brings the runtime up at its first use, changes the number of procs, waits for a main goroutine.
// Called by / on: any thread.
#pragma once

#include <cstdint>

namespace gossamer::rt {

// Idempotent; the first call makes Ps, the poller and the monitor. Nothing runs before it, and nothing before main(). Declared in sched/sched.h too.
void start_runtime();
// Sets the number of Ps, 1 to kMaxProcs, and returns the old one; 0 only asks (SEMANTICS RT1). Returns when the new Ps can be used;
// Ps that are too many are let go at their holders' next turn.
unsigned set_procs(unsigned n);
// Once a second the number of Ps follows affinity and quota, unless GOSSAMER_PROCS or set_procs() has said one (SEMANTICS RT3). By sysmon alone.
void follow_cpus(int64_t now);

}  // namespace gossamer::rt
