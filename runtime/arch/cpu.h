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

// A counter that runs at a constant rate; only for durations on one thread.
inline uint64_t cycles() {
#if defined(__x86_64__)
    return __builtin_ia32_rdtsc();
#else
    uint64_t v;
    asm volatile("mrs %0, cntvct_el0" : "=r"(v));
    return v;
#endif
}

// Asks for the first lines above a saved context; any address will do.
inline void prefetch_stack(const void* context) {
    __builtin_prefetch(context, 1, 3);
    __builtin_prefetch(static_cast<const char*>(context) + 64, 1, 3);
    __builtin_prefetch(static_cast<const char*>(context) + 128, 1, 3);
}

// Asks for the three cache lines at p, to be written soon; any address will do.
inline void prefetch_g(const void* p) {
    __builtin_prefetch(p, 1, 3);
    __builtin_prefetch(static_cast<const char*>(p) + 64, 1, 3);
    __builtin_prefetch(static_cast<const char*>(p) + 128, 1, 3);
}

}  // namespace gossamer::rt::arch
