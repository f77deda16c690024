// SPDX-License-Identifier: BSL-1.0
// debug: what the runtime can say of itself.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace gossamer::runtime {

// Every goroutine as a dying process would print it: state or wait reason, minutes, frames, creator; the caller first (SEMANTICS D5 to
// D9, D13). The others run on meanwhile. Any goroutine or thread; takes milliseconds, more with many goroutines.
std::string stack_dump();

// One goroutine as it stood when it was looked at.
struct goroutine {
    std::uint64_t id = 0, creator_id = 0;  // creator 0: none, or a plain thread's
    std::string name;                      // empty: none was given
    std::string state;  // "running", "runnable", or what it waits for in Go's words: "chan receive", "sync.Mutex.Lock"
    bool waits = false;
    const void* object = nullptr;      // what it waits for: the same address for all who wait for the same
    const void* where = nullptr;       // an address in the code that waits
    const void* created_at = nullptr;  // an address in the code that started it
};
// All that are alive, the library's own and plain threads excluded. The others run on meanwhile, so that each is right for a moment of its own.
// Any goroutine or thread; 0.1 us each. From outside the process: the command gossamer.
std::vector<goroutine> goroutines();

// Watches how deep goroutines go on their stacks, from those that first run after it was switched on; switched off, it forgets nothing until the
// next time. Costs each goroutine 4 to 13 us while it is on.
void watch_stacks(bool on);
// What was found, as a table with a line for each place that starts goroutines, the deepest first: how deep the deepest of them has been, how
// much its stack has, how many there were, a name, and the place. For choosing GOSSAMER_STACK and spawn_options::stack. Those that still run are
// in it as deep as they have been so far; what ran in on_big_stack() is not. Depths include two kilobytes or so of the runtime's own.
std::string stack_report();

}  // namespace gossamer::runtime
