// SPDX-License-Identifier: BSL-1.0
// counters: what a row made the scheduler do, from runtime::metrics().
#pragma once

#include <gossamer/runtime.h>

#include "perf/support/bench.h"

namespace perf {

// A line on stderr for each counter that moved: counter=… value=… per_op=….
void print_counters(const gossamer::runtime::counters& before, const gossamer::runtime::counters& after,
                    std::int64_t ops);

}  // namespace perf
