// SPDX-License-Identifier: BSL-1.0
// stack_cache: free stacks: a few warm ones per P, the rest central; and when memory goes back to the kernel.
// Called by / on: the owner of a P, inside the runtime; trim() by sysmon.
// Invariants: 1 a stack is in one place: with a G, in one P's cache, in a central list, or cold. 2 cold stacks have no pages of their own.
// Locks: stack_slab, for the central lists.
#pragma once

#include "runtime/stack/stack.h"

namespace gossamer::rt {

inline constexpr unsigned kStackCacheMax = 64;

// Embedded in P; owner P only.
struct stack_cache {
    stack* first = nullptr;
    unsigned count = 0;
};

// A stack of the class, from the cache when it is of the default class. Null when the address space is exhausted.
stack* take_stack(stack_cache* cache, unsigned klass);
void put_stack(stack_cache* cache, stack* s);
// The one of the default class that take_stack() will give next; it stays in the cache. Null when the address space is exhausted.
stack* next_stack(stack_cache* cache);
// Everything to the central list; when a P is given up for good.
void flush_stacks(stack_cache* cache);

// Gives the memory of central stacks that nobody wanted for a whole period back to the kernel, kTrimMost at a time: returns how many.
// Called by sysmon: at the end of each period, and in the rounds after it while there is more.
inline constexpr unsigned kTrimMost = 2048;  // a millisecond or two, in which sysmon looks at nothing else
unsigned trim_stacks(bool period_over);

void set_default_stack_class(unsigned klass);
unsigned default_stack_class();
// Central stacks that still hold pages; for tests and figures.
size_t warm_central_stacks();

}  // namespace gossamer::rt
