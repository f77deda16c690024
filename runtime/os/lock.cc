// SPDX-License-Identifier: BSL-1.0
#include "runtime/os/lock.h"

#include "runtime/arch/cpu.h"
#include "runtime/base/event.h"
#include "runtime/os/os.h"

namespace gossamer::rt {

// The wait grows, and does not look at the word: each look takes the cache line from the other, who is slower for it than by the whole
// operation (chan_mpmc on two procs: runtime/RATIONALE.md).
void back_off(unsigned round) {
    constexpr unsigned kFirstWait = 8, kLongestWait = 64;  // turns of cpu_relax, 20 to 40 ns each
    if (round > 40)
        os::nap_ns(20'000);
    else if (round > 8)
        os::yield_cpu();
    unsigned wait = round < 3 ? kFirstWait << round : kLongestWait;
    for (unsigned i = 0; i < wait; i++) arch::cpu_relax();
}

void lock::slow() {
    count(event::lock_wait);
    for (unsigned round = 0;; round++) {
        back_off(round);
        uint8_t free = 0;
        if (word_.load(relaxed) == 0 &&                              // pairs with the CAS
            word_.compare_exchange_weak(free, 1, seq_cst, relaxed))  // pairs with release_lock() and with word()
            return;
        if (round == 8) count(event::lock_yield);
    }
}

}  // namespace gossamer::rt
