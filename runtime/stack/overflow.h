// SPDX-License-Identifier: BSL-1.0
// overflow: a goroutine that ran into its guard becomes a named fatal; every other fault goes where it would have gone without us.
// Called by / on: the handler on an alternate signal stack, of the thread that faulted.
// Invariants: 1 each thread that runs goroutines has an alternate stack: a full stack has no room for a handler's frame.
//   2 a fault outside of a guard meets the handler that was there before (a user's, a tool's), or the default.
// Not done: growing the stack. It is as large as its reservation; memory comes by touch.
#pragma once

#include "runtime/stack/stack.h"

namespace gossamer::rt {

// Gives the calling thread an alternate signal stack unless it has one. REQUIRES: before it runs its first goroutine.
void prepare_signal_stack();

// Who is told of an overflow, in the handler: the stack and the address. Does not return.
using overflow_report = void (*)(stack* full, void* address);
// Installs the handler. Idempotent; the report of the first call stays. dies_otherwise: called, in the handler too, for a fault that is no overflow and that
// nobody else handles, before it ends the process.
void install_overflow_handler(overflow_report report, void (*dies_otherwise)(int sig));

}  // namespace gossamer::rt
