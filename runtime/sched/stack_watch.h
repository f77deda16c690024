// SPDX-License-Identifier: BSL-1.0
// stack_watch: how deep goroutines have been on their stacks, by the place that started them; off until asked for.
// Called by / on: the loop of a stack, on that stack (begin, end); any thread (the rest).
// Invariants: 1 a stack is in the table from begin_watch() of its goroutine to end_watch(). 2 while it is there, each word below the goroutine's
//   first frame that nobody has written since holds the paint, or zero where the page was not there when it was painted.
// Locks: stack_slab, for the tables.
// Not done: pages that are resident (mincore) as the measure. A stack that was used before has its pages already.
#pragma once

#include "runtime/sched/g.h"
#include "runtime/stack/stack.h"

namespace gossamer::rt {

extern atomic<bool> stacks_watched;

[[gnu::noinline]] void begin_watch(stack* s, const G* g);
[[gnu::noinline]] void end_watch(stack* s);

// Switches it on or off; what was found stays until it is switched on again.
void watch_stacks(bool on);

struct stack_use {
    void* creator_pc;
    const char* name;     // of one of them; null when it has none
    uint64_t goroutines;  // that were watched; those that live are among them
    size_t most;          // bytes, of the deepest
    size_t bytes;         // that its stack has
};
// One for each place, the deepest first, as an array of *count; the caller frees it. Null: there are none.
stack_use* stack_uses(size_t* count);

}  // namespace gossamer::rt
