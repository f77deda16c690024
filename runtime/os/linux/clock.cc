// SPDX-License-Identifier: BSL-1.0
#include <ctime>

#include "runtime/os/os.h"

namespace gossamer::rt::os {

int64_t now_ns() {
    timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return int64_t(t.tv_sec) * 1'000'000'000 + t.tv_nsec;
}

int64_t thread_cpu_ns(clockid_t clock) {
    timespec t;
    if (clock_gettime(clock, &t) != 0) return -1;
    return int64_t(t.tv_sec) * 1'000'000'000 + t.tv_nsec;
}

}  // namespace gossamer::rt::os
