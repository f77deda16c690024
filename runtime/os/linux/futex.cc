// SPDX-License-Identifier: BSL-1.0
#include <linux/futex.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <ctime>

#include "runtime/os/os.h"

namespace gossamer::rt::os {

void futex_wait(atomic<uint32_t>* word, uint32_t expected, int64_t timeout_ns) {
    timespec t = to_timespec(timeout_ns);
    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, expected, timeout_ns < 0 ? nullptr : &t, nullptr, 0);
}

void futex_wake(atomic<uint32_t>* word, int count) {
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, count, nullptr, nullptr, 0);
}

void yield_cpu() { sched_yield(); }

void nap_ns(int64_t ns) {
    timespec t = to_timespec(ns);
    nanosleep(&t, nullptr);
}

}  // namespace gossamer::rt::os
