// SPDX-License-Identifier: BSL-1.0
// dump: every goroutine in Go's words: state or wait reason, minutes, creator, frames (SEMANTICS D5 to D9).
// Called by / on: any thread while all others run on; the text is made by the signal thread, so it comes although every P spins.
// Invariants: 1 only words that can be read at any time are read; a goroutine that moves meanwhile is shown as it was or as it is.
//   2 one death at a time: who prints one has called begin_death() (base/fatal.h).
#pragma once

#include <string>

#include "runtime/box/layout.h"
#include "runtime/os/held_locks.h"
#include "runtime/sched/g.h"

namespace gossamer::rt {

// GOTRACEBACK: none, single (the goroutine at fault), all, system (the runtime's frames and goroutines too), crash (system, then abort).
enum class traceback_level { none, single, all, system, crash };
// What GOTRACEBACK asks for; single when it is not set.
traceback_level read_traceback_level();
bool parse_traceback_level(const char* text, traceback_level* level);
// Ends the process with status 2 and a sentence when GOTRACEBACK says nothing that is known: when it is needed it is too late to ask.
void refuse_bad_traceback_level();

// The goroutine that a report is about, with its frames; collected on its own stack.
struct own_trace {
    static constexpr unsigned kMost = 100;
    const G* g = nullptr;  // null: a thread that the runtime does not know, or none
    unsigned count = 0;
    bool cut = false;  // there were more frames
    void* pcs[kMost];
};
// The caller's. Allocates nothing.
[[gnu::noinline]] void trace_self(own_trace* own);

// Goroutines that wait and were not seen waiting before: ages in dumps count from here, as Go's do from its collections (SEMANTICS D7).
// The signal thread's, every ten seconds; a park itself has no time to look at the clock.
void stamp_waits(int64_t now);

// Every goroutine, the caller first.
std::string stack_dump();

// Says on the standard error that g, which is off its stack, keeps locks of its thread: where it stands, and where each of them was taken;
// without a table (a build for debugging has seen a mutex) only the first. Waits until it is printed. REQUIRES: g stays off its stack.
void report_held_lock(const G* g, const os::held_locks* locks);

// Prints text, then the goroutines that the level asks for (all: also when it says single), and ends the process with status 2. The recorder stops and says why.
// text and own (may be null) must be static: the report may outlive the caller. REQUIRES: begin_death(). Callable on any stack, also in a signal handler: the work is done by the signal thread.
[[noreturn]] void die_with_report(box::cause why, const char* text, const own_trace* own, bool all);
// "SIGQUIT: quit" and every goroutine; on the signal thread.
[[noreturn]] void die_by_signal(int sig);
// A fault that is nobody's ends the process: the box and the recorder's rings stay, with its name. In the handler of the signal, which comes again.
void leave_traces_of(int sig);

// The dump hook of base/fatal.h: prints the goroutines after a fatal's own words; the caller ends the process.
void dump_for_fatal();

}  // namespace gossamer::rt
