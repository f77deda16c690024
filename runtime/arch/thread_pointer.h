// SPDX-License-Identifier: BSL-1.0
// thread_pointer: one word of thread state, read by an instruction that the compiler may neither move nor merge. A compiler may keep the
// address of a thread_local across a context switch, and so read another thread's (llvm #49257, #47179): asm volatile cannot be kept.
#pragma once

namespace gossamer::rt {
struct M;
}

extern "C" {
// The calling thread's M; null on a thread that never called the runtime. Only the functions below touch it.
extern thread_local constinit gossamer::rt::M* gossamer_tls_m __attribute__((tls_model("initial-exec")));
}

namespace gossamer::rt::arch {

inline M* load_current_m() {
    M* m;
#if defined(__x86_64__)
    asm volatile("movq gossamer_tls_m@gottpoff(%%rip), %0\n\tmovq %%fs:(%0), %0" : "=r"(m));
#elif defined(__aarch64__)
    void* tp;
    asm volatile(
        "mrs %1, tpidr_el0\n\tadrp %0, :gottprel:gossamer_tls_m\n\tldr %0, [%0, #:gottprel_lo12:gossamer_tls_m]\n\t"
        "ldr %0, [%1, %0]"
        : "=&r"(m), "=&r"(tp));
#else
#error "gossamer runs on x86-64 and aarch64"
#endif
    return m;
}

[[gnu::noinline]] void store_current_m(M* m);

}  // namespace gossamer::rt::arch
