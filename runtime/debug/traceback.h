// SPDX-License-Identifier: BSL-1.0
// traceback: the frames of a goroutine that is off its stack, and of the caller.
// Called by / on: copy_stack: any thread, while other goroutines run. here(): any stack.
// Invariants: 1 a stack that moves on under the reader gives wrong frames at worst: only addresses inside the
// goroutine's own stack are
//   read, stacks are never unmapped, and the unwinding works on the copy.
// The race that matters: copy_stack() against the goroutine being made ready. The status is read before and after the
// copy; both must say
//   that it is off its stack, with the same context.
#pragma once

#include "runtime/debug/symbols.h"
#include "runtime/sched/g.h"

namespace gossamer::rt {

// As many frames as a dump shows of one goroutine: the innermost and the outermost fifty (SEMANTICS D8).
inline constexpr unsigned kMaxTraceback = 1000;

// A word of a parked stack, whose owner may come back meanwhile: what the tools call a race or a redzone is meant here.
uintptr_t word_at(uintptr_t address);
// False when the goroutine runs, or ran meanwhile, or has no stack yet.
bool copy_stack(const G* g, stack_copy* copy);
// The registers of a saved context, and its stack up to top. Both must be readable.
void copy_context(const void* context, const void* top, stack_copy* copy);

// Return addresses of the caller's callers, innermost first; in a signal handler those of who was interrupted. Allocates nothing. Returns how many.
[[gnu::noinline]] unsigned here(void** pcs, unsigned most);

}  // namespace gossamer::rt
