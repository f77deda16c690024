// SPDX-License-Identifier: BSL-1.0
// uncaught: the last words for what nobody caught: the value, the goroutine's trace, its creator, status 2 (SEMANTICS
// G7, P6, D12). Called by / on: uncaught(): the goroutine's own stack, in the catch (...) at its bottom. The terminate
// handler: wherever it struck. Not done: knowing class panic. It is lib's; runtime/ learns of it by the function that
// the first panic registers.
#pragma once

#include "runtime/stack/stack.h"

namespace gossamer::rt {

struct G;

// What a panic keeps for its report. Lives as long as the panic.
struct panic_facts {
    static constexpr unsigned kMaxFrames = 32;
    const char* text = "";
    const panic_facts* earlier = nullptr;  // the panic that this one replaced
    bool earlier_recovered = false;        // it had been caught when this one was made
    unsigned frame_count = 0;
    void* frames[kMaxFrames];  // return addresses where it was made, innermost first
};

// The facts of the exception being handled, null when it is not a panic.
using panic_describer = const panic_facts* (*)();
void set_panic_describer(panic_describer describer);

// Reports the exception being handled and ends the process with status 2; sched.uncaught. REQUIRES: called inside a catch block.
[[noreturn]] void uncaught(G* g);

// Reports a full stack and ends the process with status 2; for install_overflow_handler(). Runs in the handler, on its stack.
[[noreturn]] void report_overflow(stack* full, void* address);

// Makes std::terminate (a noexcept function that threw, a guard that threw while unwinding) end the same way.
// Idempotent.
void install_terminate_handler();

}  // namespace gossamer::rt
