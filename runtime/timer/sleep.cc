// SPDX-License-Identifier: BSL-1.0
#include "runtime/timer/sleep.h"

#include <algorithm>

#include "runtime/os/os.h"
#include "runtime/park/park.h"
#include "runtime/timer/timer.h"

namespace gossamer::rt {

namespace {

struct sleeper {
    timer alarm;  // on the sleeping goroutine's stack: it is out of every heap before the goroutine is made ready
    int64_t when;
};

// Only here, off its stack, may the goroutine be woken.
bool arm_alarm(G* g, void* arg) {
    auto* s = static_cast<sleeper*>(arg);
    s->alarm.arg = g;
    arm(&s->alarm, s->when);
    return true;
}

}  // namespace

void sleep_until(int64_t when) {
    if (!on_goroutine()) {
        // The thread needs no other to wake it, and no P to look after its alarm.
        for (int64_t left; (left = when - now_ns()) > 0;) os::nap_ns(left);
        return;
    }
    in_runtime scope;
    sleeper s{.alarm = {}, .when = when};
    park(arm_alarm, &s, wait_reason::sleep);
}

}  // namespace gossamer::rt
