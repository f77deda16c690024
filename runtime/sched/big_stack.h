// SPDX-License-Identifier: BSL-1.0
// big_stack: a goroutine, or a plain thread, continues on another stack for the length of one call.
// Called by / on: anybody, outside the runtime.
// Invariants: 1 G::stk is the stack on which the goroutine stands: while f runs, the large one. So a park, a dump and a canary need not
//   know of it. It changes inside the runtime, with the jump: nobody takes the goroutine off its stack in between. 2 nothing unwinds from
//   one stack to the other: what f throws is caught at the bottom and thrown again at home.
// Not done: a goroutine of its own for f. It would have another number and other go_locals, and a mutex does not change hands.
#pragma once

#include <cstddef>

namespace gossamer::rt {

// False, and nothing was run: there is no address space. REQUIRES: a stack class serves `bytes`.
[[gnu::noinline]] bool on_big_stack(size_t bytes, void (*f)(void*), void* arg);

}  // namespace gossamer::rt
