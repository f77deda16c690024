// SPDX-License-Identifier: BSL-1.0
// runtime: asking and steering the scheduler.
#pragma once

#include <cstdint>

namespace gossamer::runtime {

// How many goroutines run at once (Go's GOMAXPROCS). At the start: GOSSAMER_PROCS, else the CPUs that the affinity mask and the cgroup v2
// quota allow (SEMANTICS RT2).
unsigned procs();
// Changes it while everything runs and returns the old value; n < 1 panics, above 1,024 panics. Goroutines on a P that is let go move to others.
unsigned set_procs(int n);
// CPUs this process may use.
unsigned num_cpu();
// Goroutines that are alive, blocked ones included, the library's own excluded (SEMANTICS G12). 0 where no goroutine was started.
std::uint64_t num_goroutines();
// The number of the calling goroutine, as dumps show it; from 1, never reused. For logs and tests, not for keys (SEMANTICS G5).
std::uint64_t goroutine_id();
// True on a goroutine, false on a plain thread.
bool on_goroutine();

}  // namespace gossamer::runtime
