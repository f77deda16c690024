// SPDX-License-Identifier: BSL-1.0
// restartable: look at a word and store to it, for half of what a compare-exchange costs, where another thread wants the word in between once in a
// thousand times (Linux's restartable sequences: a thread that the kernel takes from its CPU in the middle does not store any more).
// Called by / on: any thread whose thread-local storage the C library made.
// Invariants: 1 after restart_fence() no thread is between the look and the store of a replace_if() that began before the call: it has stored, or
//   says no. So who changes the word, fences, and still finds its change there, is seen by every replace_if() from then on.
//   2 whoever cannot have that (another architecture, no rseq, a sanitizer, which would not see the store) gets false from replace_if(), always, and
//   need not fence.
// Not done: other fields of struct rseq (the CPU's number).
#pragma once

#include <cstddef>
#include <cstdint>

#include "runtime/base/atomic.h"

namespace gossamer::rt::os {

// True when replace_if() may return true; decided once, at the first call, before which it does not.
bool has_restart_fence();
void restart_fence();

// Where the C library keeps a thread's struct rseq, from its thread pointer on; 0 as long as replace_if() returns false.
extern ptrdiff_t restartable_area;

// Stores desired when the word holds expected, and says whether it did; may say no for no reason. A release store.
[[gnu::always_inline]] inline bool replace_if(atomic<uint32_t>& word, uint32_t expected, uint32_t desired) {
#if defined(__x86_64__)
    ptrdiff_t area = restartable_area;
    if (area == 0) return false;
    // 3 tells the kernel: from 1 as many bytes as to 2, else go to 4, before which the mark stands that the C library has registered.
    asm goto volatile(
        ".pushsection __rseq_cs, \"aw\"\n\t"
        ".balign 32\n"
        "3:\t.long 0, 0\n\t"
        ".quad 1f, 2f - 1f, 4f\n\t"
        ".popsection\n\t"
        ".pushsection __rseq_failure, \"ax\"\n\t"
        ".byte 0x0f, 0xb9, 0x3d\n\t"
        ".long 0x53053053\n"
        "4:\tjmp %l[no]\n\t"
        ".popsection\n\t"
        "leaq 3b(%%rip), %%rax\n\t"
        "movq %%rax, %%fs:8(%[area])\n"
        "1:\tcmpl %[expected], %[word]\n\t"
        "jne %l[no]\n\t"
        "movl %[desired], %[word]\n"
        "2:"
        :
        : [area] "r"(area), [word] "m"(word), [expected] "ri"(expected), [desired] "ri"(desired)
        : "rax", "cc", "memory"
        : no);
    return true;
no:
#else
    (void)word, (void)expected, (void)desired;
#endif
    return false;
}

}  // namespace gossamer::rt::os
