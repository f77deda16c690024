// SPDX-License-Identifier: BSL-1.0
// blockers: ways to hold a thread that no scheduler is told about.

#pragma once

#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <ctime>

#include "perf/support/bench.h"

namespace perf {

// Blocks the thread in the kernel; interrupted by a signal it sleeps what remains.
inline void raw_nanosleep(std::chrono::nanoseconds d) {
    timespec ts{static_cast<time_t>(d.count() / 1'000'000'000), static_cast<long>(d.count() % 1'000'000'000)};
    while (::syscall(SYS_nanosleep, &ts, &ts) != 0 && errno == EINTR) {
    }
}

// Arithmetic without a call or a look at a clock. The empty asm keeps the compiler from seeing that the result is
// always the same, and from moving a call across a look at the clock.
[[gnu::noinline]] inline std::uint64_t spin(std::int64_t rounds) {
    auto x = static_cast<std::uint64_t>(rounds);
    asm volatile("" : "+r"(x));
    for (; rounds > 0; rounds--) x = x * 6364136223846793005U + 1442695040888963407U;
    asm volatile("" : "+r"(x));
    return x;
}

// The rounds of spin that take `ms` milliseconds on this machine.
inline std::int64_t spin_rounds(std::int64_t ms) {
    constexpr std::int64_t kProbe = 50'000'000;
    spin(kProbe);
    auto start = clock::now();
    spin(kProbe);
    return static_cast<std::int64_t>(static_cast<double>(kProbe * ms) * 1e6 / ns_since(start));
}

}  // namespace perf
