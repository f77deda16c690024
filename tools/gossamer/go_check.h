// SPDX-License-Identifier: BSL-1.0
// go_check: whether the viewers of Go will take an execution trace (format v2, Go 1.22 and later): the rules of their reader, in code that shares nothing
// with the writer but the numbers of the events.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace insp {

struct go_check_result {
    bool ok = false;
    std::string error;    // the first, "" when ok
    uint64_t offset = 0;  // of what is wrong, in bytes from the beginning
    int version = 0;      // 23: Go 1.23
    uint64_t generations = 0, batches = 0, events = 0, strings = 0, stacks = 0, samples = 0;
    uint64_t goroutines = 0, processors = 0, threads = 0;
    uint64_t first_time = 0, last_time = 0;  // of events, in nanoseconds
    std::map<std::string, uint64_t> kinds;   // events by name
};

// Never throws but bad_alloc, whatever the bytes are.
go_check_result check_go_trace(std::string_view bytes);

}  // namespace insp
