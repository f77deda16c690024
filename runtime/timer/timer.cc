// SPDX-License-Identifier: BSL-1.0
#include "runtime/timer/timer.h"

#include "runtime/arch/cpu.h"
#include "runtime/timer/timer_heap.h"

namespace gossamer::rt {

bool stop(timer* t) {
    // Another M may move the timer to another heap in between, so ask until one of them answers.
    while (timer_heap* h = t->heap.load(acquire)) {  // pairs with the stores in timer_heap
        if (h->remove(t)) return true;
        arch::cpu_relax();
    }
    return false;
}

bool reset(timer* t, int64_t when) {
    bool was_pending = stop(t);
    arm(t, when);
    return was_pending;
}

}  // namespace gossamer::rt
