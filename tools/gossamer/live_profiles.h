// SPDX-License-Identifier: BSL-1.0
// live_profiles: profiles of what goroutines are doing now, from a target's memory: where each is, which of them nobody can wake, who uses the CPU.
#pragma once

#include "tools/gossamer/pprof.h"
#include "tools/gossamer/target.h"

namespace insp {

// Every goroutine with its stack.
profile goroutine_profile(const target& t);
// Those that hang for ever. `why_inexact` is set when none of them is certain.
profile leak_profile(const target& t, std::string* why_inexact);

struct cpu_counts {
    uint64_t looks = 0;                           // at all processors
    uint64_t samples = 0;                         // of goroutines that used a CPU
    uint64_t unread = 0;                          // of these, without a stack
    int64_t own_ns = 0;                           // CPU that threads of the scheduler used without a goroutine
    int64_t stopped_ns = 0, longest_stop_ns = 0;  // how long threads stood still for it
};
// Looks every `period_ns` who runs on each thread, and where; what the thread has used of a CPU since the last look is put down to it. Of threads, not of
// processors: who computes for long has lost its processor to others, and goes on without. Until `for_ns` have
// passed, the process ends, or wait(ns) returns false.
profile cpu_profile(const target& t, int64_t for_ns, int64_t period_ns, const std::function<bool(int64_t ns)>& wait,
                    cpu_counts* counts);

std::vector<pc_name> names_by(const target& t, uint64_t pc, bool is_return_address);
// The mappings that the samples' addresses lie in.
void put_mappings(const target& t, profile& p);

}  // namespace insp
