// SPDX-License-Identifier: BSL-1.0
#include "runtime/os/lock.h"

#include "runtime/arch/cpu.h"
#include "runtime/os/os.h"

namespace gossamer::rt {

// A holder is gone after a few dozen instructions unless the kernel took its CPU: so spin, then give the CPU away, then nap.
void lock::slow() {
    for (unsigned round = 0;; round++) {
        for (int i = 0; i < 60 && word_.load(relaxed) != 0; i++)  // pairs with the CAS below
            arch::cpu_relax();
        uint8_t free = 0;
        if (word_.load(relaxed) == 0 &&                              // pairs with the CAS
            word_.compare_exchange_weak(free, 1, seq_cst, relaxed))  // pairs with release_lock() and with word()
            return;
        if (round < 4) continue;
        if (round < 40)
            os::yield_cpu();
        else
            os::nap_ns(20'000);
    }
}

}  // namespace gossamer::rt
