// SPDX-License-Identifier: BSL-1.0
// config: every environment knob, in one table. Read once, when the runtime starts.
#pragma once

#include <cstddef>
#include <cstdint>

#include "runtime/os/os.h"

namespace gossamer::rt {

inline constexpr unsigned kMaxProcs = 1024;

struct config {
    unsigned procs = 0;  // GOSSAMER_PROCS: 1 … 1024; 0: what affinity and cgroup allow
    size_t stack_bytes =
        240 << 10;  // GOSSAMER_STACK: bytes, with k, m or g; 16k … 1g (the reservation is the power of two above it)
    unsigned max_threads = 10'000;  // GOSSAMER_MAX_THREADS: 4 … 1,000,000
    os::guard_kind guards =
        os::guard_kind::regions;  // GOSSAMER_GUARDS: regions, mprotect or canary; the best to be used below stacks
    unsigned schedtrace_ms = 0;   // GOSSAMER_DEBUG=schedtrace=MS; 0: none
    bool box = true;              // GOSSAMER_BOX: off: nothing for inspectors in /dev/shm
    const char* trace = nullptr;  // GOSSAMER_TRACE: path; null: none
    bool trace_stacks = false;    // GOSSAMER_TRACE_STACKS: on, off
    uint32_t trace_ring = 0;      // GOSSAMER_TRACE_RING: bytes a thread, 64k … 1g; 0: the recorder's choice
    uint64_t seed = 0;            // GOSSAMER_SEED: of victim order and select order; 0: from the clock
};

// Reads the environment; an unusable value ends the process with status 2 and a sentence that names variable and value.
config read_config();
// The table as text, a line each; for --help of tools and for the rules test.
const char* config_help();

// "64k" → 65536; false when it is not a number with an optional k, m, g or not in [low, high].
bool parse_size(const char* text, size_t low, size_t high, size_t* value);

}  // namespace gossamer::rt
