// SPDX-License-Identifier: BSL-1.0
// metrics: counters summed on demand.
// Called by / on: any thread; takes no lock and stops nobody. Each sum is right for some moment during the call, not all for the same one.
// Not done: sums that are kept up to date: a word that every P writes, for a reader who rarely comes.
#pragma once

#include "runtime/base/event.h"

namespace gossamer::rt {

struct totals {
    uint64_t created = 0, alive = 0;  // goroutines, the library's own not counted
    uint64_t threads = 0;             // of the scheduler, made so far
    uint64_t events[size_t(event::kCount)]{};
    uint64_t of(event e) const { return events[size_t(e)]; }
};
totals sum_counts();

}  // namespace gossamer::rt
