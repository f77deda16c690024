// SPDX-License-Identifier: BSL-1.0
// cpu: what a spin loop and a stopwatch ask of the CPU.
#pragma once

#include <cstdint>

namespace gossamer::rt::arch {

// One turn of a spin loop.
inline void cpu_relax() {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#else
    asm volatile("yield" ::: "memory");
#endif
}

// A counter that runs at a constant rate where the machine is sane; os/tick_clock.h makes nanoseconds of it.
inline uint64_t cycles() {
#if defined(__x86_64__)
    return __builtin_ia32_rdtsc();
#else
    uint64_t v;
    asm volatile("mrs %0, cntvct_el0" : "=r"(v));
    return v;
#endif
}

// How the calling thread computes with floating point: rounding, exceptions that trap, flushing to zero. Not which exceptions there were.
struct fp_control {
#if defined(__x86_64__)
    uint32_t mxcsr = 0;
    uint16_t x87 = 0;
#else
    uint64_t fpcr = 0;
#endif
};
inline fp_control read_fp_control() {
    fp_control c;
#if defined(__x86_64__)
    asm volatile("stmxcsr %0\n\tfnstcw %1" : "=m"(c.mxcsr), "=m"(c.x87));
#else
    asm volatile("mrs %0, fpcr" : "=r"(c.fpcr));
#endif
    return c;
}
inline void write_fp_control(const fp_control& c) {
#if defined(__x86_64__)
    asm volatile("ldmxcsr %0\n\tfldcw %1" : : "m"(c.mxcsr), "m"(c.x87));
#else
    asm volatile("msr fpcr, %0" : : "r"(c.fpcr));
#endif
}

// Asks for the three cache lines at `address`, to be written soon. Any address will do, null too: hence a number.
inline void prefetch_lines(uintptr_t address) {
    __builtin_prefetch(reinterpret_cast<const void*>(address), 1, 3);
    __builtin_prefetch(reinterpret_cast<const void*>(address + 64), 1, 3);
    __builtin_prefetch(reinterpret_cast<const void*>(address + 128), 1, 3);
}
// The lines above a saved context: those that the way back from a park to the user's code reads (measured: runtime/RATIONALE.md).
inline void prefetch_stack(const void* context) {
    prefetch_lines(reinterpret_cast<uintptr_t>(context));
    prefetch_lines(reinterpret_cast<uintptr_t>(context) + 192);
}
inline void prefetch_g(const void* g) { prefetch_lines(reinterpret_cast<uintptr_t>(g)); }

}  // namespace gossamer::rt::arch
