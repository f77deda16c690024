// SPDX-License-Identifier: BSL-1.0
// load: the same blocking work done by 200 goroutines or by 200 threads, while a ticker watches for gaps.
// The work knows nothing of goroutines: it is what a program's own code and its client libraries do.
#pragma once

#include <functional>

namespace load {

inline constexpr int kTasks = 200;

// argv[1]: goroutines or threads. Calls one(task) for each task, all at once; it throws what went wrong. Prints a line
// "ms=TOTAL worst_gap_ms=GAP failures=N" and returns what main() shall return.
int run(int argc, char** argv, const std::function<void(int)>& one);

}  // namespace load
