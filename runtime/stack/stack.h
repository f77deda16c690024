// SPDX-License-Identifier: BSL-1.0
// stack: one goroutine stack in a slab: address space reserved, committed by touch, a guard below it.
// Called by / on: stack_cache on behalf of a P; overflow from a signal handler (stack_at only).
// Invariants:
//   1 A slab is never unmapped: the address of a stack names the same stack for ever, so a signal handler may look at any time.
//   2 Layout, upwards: guard (kGuardBytes), usable bytes, top. Tops are coloured: the first frame starts up to 15 * 128 bytes below
//     the top, so that frames of the same depth do not share an L1 set.
//   3 stack::runner is the saved context of the stack's own loop (sched/mcall.cc) while it is free; null when it must be made anew.
// Not done: one mapping per stack. vm.max_map_count is 65,530, and a mapping costs a system call.
#pragma once

#include "runtime/base/bits.h"
#include "runtime/os/os.h"
#include "runtime/stack/sanitizer.h"

namespace gossamer::rt {

inline constexpr size_t kGuardBytes = 16 << 10;
inline constexpr unsigned kMinStackClass = 15;  // log2 of the reservation: 32 KiB
inline constexpr unsigned kMaxStackClass = 33;  // 8 GiB

struct alignas(64) stack {
    char* base = nullptr;    // of the reservation, the guard included; constant
    void* runner = nullptr;  // owner: who holds the stack
    stack* next = nullptr;   // link in a cache
    uint32_t colour = 0;     // bytes below the top; constant
    uint8_t klass = 0;       // log2 of the reservation; constant
    bool guarded = false;    // else a canary stands at the low end
    [[no_unique_address]] sanitizer_state tool;

    size_t bytes() const { return size_t(1) << klass; }
    char* low() const { return base + kGuardBytes; }
    char* top() const { return base + bytes() - colour; }
    bool contains(const void* p) const { return p >= base && p < base + bytes(); }
    bool in_guard(const void* p) const { return p >= base && p < low(); }
};

// Adds a slab of stacks of a class; links them through next and returns the first, null when no address space is left. count tells how many.
stack* new_stacks(unsigned klass, unsigned want, unsigned* count);

// Some stacks have no guard: their low end is checked at each switch instead.
extern atomic<bool> canaries_in_use;
// Fatal when the stack has grown over its canary. REQUIRES: !guarded.
void check_canary(const stack* s);
void write_canary(stack* s);

// The stack whose reservation holds the address; null if none. Safe in a signal handler.
stack* stack_at(const void* address);

// Stacks of all slabs; for figures and reports.
size_t stacks_made();

// log2 of the reservation that serves `bytes` of stack; 0 when out of range.
unsigned stack_class_for(size_t bytes);

}  // namespace gossamer::rt
