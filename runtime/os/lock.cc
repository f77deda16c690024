// SPDX-License-Identifier: BSL-1.0
#include "runtime/os/lock.h"

#include "runtime/arch/cpu.h"
#include "runtime/os/os.h"

namespace gossamer::rt {

// A holder is gone after a few dozen instructions unless the kernel took its CPU: so wait, then give the CPU away, then nap. The wait
// grows, and does not look at the word: each look takes the cache line from the holder, who is slower for it than by the whole operation
// (chan_mpmc on two procs: runtime/RATIONALE.md).
void lock::slow() {
    constexpr unsigned kFirstWait = 8, kLongestWait = 64;  // turns of cpu_relax, 20 to 40 ns each
    unsigned wait = kFirstWait;
    for (unsigned round = 0;; round++) {
        for (unsigned i = 0; i < wait; i++) arch::cpu_relax();
        if (wait < kLongestWait) wait *= 2;
        uint8_t free = 0;
        if (word_.load(relaxed) == 0 &&                              // pairs with the CAS
            word_.compare_exchange_weak(free, 1, seq_cst, relaxed))  // pairs with release_lock() and with word()
            return;
        if (round < 8) continue;
        if (round < 40)
            os::yield_cpu();
        else
            os::nap_ns(20'000);
    }
}

}  // namespace gossamer::rt
