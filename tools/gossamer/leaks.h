// SPDX-License-Identifier: BSL-1.0
// leaks: blocked goroutines that nobody can wake, found from outside, without a garbage collector.
// A channel tells how many handles there are. A blocked goroutine is leaked when what it waits for is mentioned nowhere but in the stacks and start closures
// of goroutines that are leaked too (leak_graph.h), and nobody else has a pointer into these. All writable memory, the closures of all goroutines and the
// registers of all threads are searched.
// The race that matters: a process that runs moves its handles from where we have not looked yet to where we have. So a look at it while it runs only finds
//   suspects, most often none; where there are any, it is stopped and all is searched again, for these alone. What is called certain is so, unless a pointer
//   is kept in some disguise.
// Where memory cannot be read (a black box without its process) there is only age.
// Not done: many looks at the running process in place of the stop. A chain of goroutines that wake each other and end hands its channels on faster than
//   anybody reads; each look may miss the one that is awake.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tools/gossamer/snapshot.h"

namespace insp {

struct leak {
    uint64_t id = 0;
    uint32_t index = 0;      // of snapshot::goroutines
    bool certain = false;    // else heuristic: it has only waited for long
    int64_t waited_ns = -1;  // -1: not known
};

struct leak_options {
    int64_t older_ns = 0;               // only those known to wait for so long
    int64_t guess_ns = 10'000'000'000;  // the same where there is only age, of a process that has ended
    bool may_stop = true;  // else whom a look at the running process suspects is named, and nobody is certain
};

struct leak_report {
    std::vector<leak> leaks;  // by id
    size_t blocked = 0;       // goroutines that were looked at
    uint64_t bytes = 0;       // of memory that were searched
    int64_t stopped_ns = 0;   // for how long the process stood at most
    std::string why_inexact;  // not empty: nothing is certain, for this reason
};

leak_report look_for_leaks(const target& t, const snapshot& s, const leak_options& options);
std::vector<leak> find_leaks(const target& t, const snapshot& s);

}  // namespace insp
