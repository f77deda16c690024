// SPDX-License-Identifier: BSL-1.0
// ticks: the counter that the runtime stamps its records with, as this process reads it.
#pragma once

#include <cstdint>
#include <ctime>

#include "runtime/arch/cpu.h"

namespace insp {

inline uint64_t ticks_now() { return gossamer::rt::arch::cycles(); }

// Both clocks at one moment: the closest of some readings, for one may have been interrupted.
inline void read_clocks(uint64_t* ticks, int64_t* ns) {
    uint64_t best = UINT64_MAX;
    for (int i = 0; i < 5; i++) {
        timespec t;
        uint64_t before = ticks_now();
        clock_gettime(CLOCK_MONOTONIC, &t);
        uint64_t took = ticks_now() - before;
        if (took >= best) continue;
        best = took;
        *ticks = before + took / 2;
        *ns = int64_t(t.tv_sec) * 1'000'000'000 + t.tv_nsec;
    }
}

}  // namespace insp
