// SPDX-License-Identifier: BSL-1.0
// waits: from a target to a wait_graph: who waits for whom over mutexes, channels, selects and wait groups.
// Certain edges: to the holder of a mutex. Concluded ones: to those in whose stack or closure a channel is mentioned, and to those in whose closure a wait
// group is. A channel's waiter counts as stuck only when leaks.h says that nobody can wake it.
#pragma once

#include "tools/gossamer/leaks.h"
#include "tools/gossamer/objects.h"
#include "tools/gossamer/wait_graph.h"

namespace insp {

struct wait_report {
    wait_graph graph;  // of all goroutines but the library's own
    std::vector<deadlock> deadlocks;
    std::vector<uint64_t> alone;  // stuck for good over a channel, with nobody behind them: leaks, no deadlocks
    bool has_channels = false;    // edges over channels are there: otherwise there were too many goroutines
    std::string why_inexact;      // leaks could not be looked for
};

// Without may_stop no waiter of a channel of a running process is called stuck.
wait_report look_for_waits(const target& t, const snapshot& s, bool may_stop);

}  // namespace insp
