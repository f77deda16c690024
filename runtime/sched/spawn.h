// SPDX-License-Identifier: BSL-1.0
// spawn: from a closure to a runnable G, and a G's end.
// Called by / on: anybody; a plain thread's Gs go to the global queue.
// A G that is being made is owned by its maker alone; start_g() publishes it (Go memory model MM2: what the maker did before is seen by the G,
// by the queue's hand-over).
#pragma once

#include "runtime/sched/sched.h"

namespace gossamer::rt {

// A G without closure; the caller fills invoke and closure, then calls start_g. REQUIRES: inside the runtime.
G* make_g(unsigned stack_class, const char* name, void* creator_pc);
// Into the caller's next slot (SEMANTICS G3, G4); wakes an M if one is idle. REQUIRES: inside the runtime.
void start_g(G* g);
// A G that was made and not started. REQUIRES: inside the runtime.
void discard_g(G* g);

// The library's own goroutine: not counted, no reason against a deadlock.
void spawn_system(void (*fn)(void*), void* arg, const char* name);

// Runs the closure on the caller's stack, outside the runtime; returns when it returned or goexit() unwound it. Defined in spawn.cc.
void run_closure(G* g);
// The G has ended: back to the free list. REQUIRES: inside the runtime.
void end_g(M* m, G* g);

// Ends the calling goroutine: unwinds its stack, destructors run (SEMANTICS G14). A plain thread: broken use, see lib/go.cc.
[[noreturn]] void goexit_unwind();
// Whether the exception being handled is that unwinding. REQUIRES: called in a catch block.
bool is_goexit();

}  // namespace gossamer::rt
