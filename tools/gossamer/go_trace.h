// SPDX-License-Identifier: BSL-1.0
// go_trace: a window as an execution trace of Go, for `go tool trace` and gotraceui. One generation, times in nanoseconds from the window's beginning.
// What the viewers could not take is never written: a goroutine that runs on a thread without a processor (a plain thread, or a lost record) borrows one
// with a number above all others.
#pragma once

#include <cstdint>
#include <cstdio>
#include <string>

#include "tools/gossamer/events.h"

namespace insp {

struct go_trace_options {
    int version = 23;                  // 23, 25 or 26: of Go 1.N, which must be as new at least
    uint64_t most_events = 3'000'000;  // the last so many are written: the viewers need 330 bytes of memory for each
    bool wait_objects = false;         // a log entry "wait" before each block tells what for
};

struct go_trace_report {
    uint64_t events = 0;    // of the window that were looked at: the last most_events
    uint64_t cut = 0;       // of the window that were not written
    uint64_t left_out = 0;  // that do not fit what is known; 0 for a window in order
    uint64_t parked = 0;    // goroutines that never ran in the window
    uint64_t bytes = 0;
    std::string message() const;  // what the user should know, "" when nothing
};

// REQUIRES: put_in_order(w). Throws error for another version.
go_trace_report make_go_trace(const trace_window& w, const go_trace_options& options, std::string& out);
// The same into a file. Throws error when it cannot be written.
go_trace_report write_go_trace(const trace_window& w, const go_trace_options& options, FILE* to);

}  // namespace insp
