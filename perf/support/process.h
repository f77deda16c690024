// SPDX-License-Identifier: BSL-1.0
// process: memory and processor time of this process, its limit of files, and the load client beside it.

#pragma once

#include <chrono>
#include <cstdint>

#include "perf/support/bench.h"

namespace perf {

// Resident bytes of this process. The first call opens the file: call it once before what is measured.
std::int64_t rss_bytes();

// User and system time of the whole process so far.
std::chrono::nanoseconds cpu_time();

// RLIMIT_NOFILE to its hard limit; a server with 10,000 connections needs it.
void raise_file_limit();

// Becomes `load_client WORKLOAD SELF PROCS [N]`, found beside this program or one folder up; the client starts the
// server and prints the row.
[[noreturn]] void become_load_client(bench& b);

}  // namespace perf
