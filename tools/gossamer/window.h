// SPDX-License-Identifier: BSL-1.0
// window: the rings of a target as a trace_window (events.h): copied, decoded, their ticks made nanoseconds, everything named. From a live process, a black
// box, a saved window or a core alike.
// Invariants:
//   1 Rings are somebody else's bytes: counts, numbers and addresses in them are compared with what is there before use. A group that makes no
//     sense ends its block; the next block begins with who runs, and is read on.
//   2 What a live thread may have overwritten while it was copied is dropped, and one block more.
#pragma once

#include "tools/gossamer/events.h"
#include "tools/gossamer/target.h"

namespace insp {

struct window_options {
    bool names = true;               // of functions and goroutines
    size_t most_stacks = 20'000;     // of goroutines that wait now, read from memory
    const target* memory = nullptr;  // where those stacks are; null: the target itself
};

// Events by ns, not yet put_in_order(). Throws error when nothing was recorded.
trace_window load_window(const target& t, const window_options& options = {});

// "stopped at +1.204s in goroutine 17: panic: no such row"; empty when nothing stopped it.
std::string stop_words(const trace_window& w);

}  // namespace insp
