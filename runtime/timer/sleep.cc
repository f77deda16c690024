// SPDX-License-Identifier: BSL-1.0
#include "runtime/timer/sleep.h"

#include "runtime/os/os.h"
#include "runtime/park/park.h"
#include "runtime/timer/timer.h"

namespace gossamer::rt {

namespace {

// Only here, off its stack, may the goroutine be woken.
bool arm_alarm(G* g, void* when) {
    arm_sleeper(g, *static_cast<const int64_t*>(when));
    return true;
}

}  // namespace

void sleep_until(int64_t when, void* site) {
    if (!on_goroutine()) {
        // The thread needs no other to wake it, and no P to look after its alarm.
        for (int64_t left; (left = when - now_ns()) > 0;) os::nap_ns(left);
        return;
    }
    in_runtime scope;
    park(arm_alarm, &when, wait_reason::sleep, nullptr, site);
}

}  // namespace gossamer::rt
