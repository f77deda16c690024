// SPDX-License-Identifier: BSL-1.0
// unwind: the frames of goroutines: parked ones from memory alone, by the hundred with one system call; a running one from a copy of its thread's
// registers and stack, for which the thread stands still some microseconds.
// The race that matters: a goroutine is woken while its stack is read. What its G says of it (context, stack, status) is read before and after; only when
//   both are the same, and off its stack, the frames are believed. One that ran and parked again at the same depth in between is not told apart.
// Return addresses, innermost first; an address at which a thread was interrupted is given plus one, so that all can be named alike.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tools/gossamer/frame_rules.h"
#include "tools/gossamer/snapshot.h"
#include "tools/gossamer/symbols.h"

namespace insp {

// What describe() and unwind() have learnt of a target.
struct caches {
    caches(std::vector<module> modules, bool is_live, symbols::read_memory read)
        : names(std::move(modules), is_live, std::move(read)) {}
    symbols names;
    frame_rules rules{names};
    const machine* kind = nullptr;  // of processor; null: not found out, or not known to us
};
caches& caches_of(const target& t);

struct unwound {
    std::vector<uint64_t> pcs;
    std::string why;         // pcs is empty: "the stack moved meanwhile", …
    int64_t stopped_ns = 0;  // how long the thread stood still
};
// `tid`: of the thread that runs it, or 0: parked.
unwound unwind_goroutine(const target& t, uint64_t g_address, unsigned most, uint64_t tid);

struct all_stacks {
    std::vector<std::vector<uint64_t>> chains;  // each once; [0] is empty: not known
    std::vector<uint32_t> of;                   // [i]: index into chains, of goroutine i
    uint64_t reads = 0;                         // system calls
    std::string why;                            // nothing could be read: the reason
};
// Those that are off their stacks; for others chain 0.
all_stacks unwind_parked(const target& t, const std::vector<goroutine>& goroutines, unsigned most);

// The registers of a parked goroutine as its saved context shows them. False when they cannot be read or it moves.
bool parked_registers(const target& t, uint64_t g_address, registers& r);

}  // namespace insp
