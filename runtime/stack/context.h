// SPDX-License-Identifier: BSL-1.0
// context: a suspended execution, on Boost.Context's raw fcontext; wrapped here once. On x86-64 the switch itself is ours, on Boost's
// layout: arch/jump.h.
// What a switch saves: callee-saved registers, the x87 control word, MXCSR. What it does not: exception globals and errno;
//   sched/mcall.cc swaps those with the G. Signal masks are per thread and not touched.
// Called by / on: sched/mcall.cc only.
#pragma once

#include "runtime/arch/jump.h"
#include "runtime/stack/stack.h"

namespace gossamer::rt {

using arch::transfer;

// Makes a context at the top of the stack that will call entry at the first jump.
inline void* make_context(stack* s, void (*entry)(transfer)) {
    return boost::context::detail::make_fcontext(s->top(), size_t(s->top() - s->low()), entry);
}

// Leaves the caller's context (handed to the target as transfer.fctx) and runs `to`; data goes along.
using arch::jump;

}  // namespace gossamer::rt
