// SPDX-License-Identifier: BSL-1.0
#include "runtime/os/note.h"

#include "runtime/base/event.h"

namespace gossamer::rt {

bool note::sleep(int64_t timeout_ns) {
    int64_t until = timeout_ns < 0 ? 0 : os::now_ns() + timeout_ns;
    while (woken_.exchange(0, acquire) == 0) {  // pairs with the exchange in wake()
        int64_t left = timeout_ns < 0 ? -1 : until - os::now_ns();
        if (timeout_ns >= 0 && left <= 0) return false;
        count(event::sleep);
        os::futex_wait(&woken_, 0, left);
    }
    return true;
}

void note::wake() {
    if (woken_.exchange(1, release) != 0) return;  // pairs with the exchange in sleep()
    count(event::wake);
    os::futex_wake(&woken_, 1);
}

}  // namespace gossamer::rt
