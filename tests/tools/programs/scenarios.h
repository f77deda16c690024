// SPDX-License-Identifier: BSL-1.0
// scenarios: small programs that wait_programs can be, for `gossamer wait` and `leaks` to judge. Each begins what it is about and returns; what lives in
// its frame is gone then. Where the goroutines stand when it returns is open: whoever asks waits until they do.
#pragma once

#include <gossamer.h>

#include <chrono>

struct scenario {
    const char* name;
    void (*run)();
};

extern const scenario kLeaking[], kDeadlocked[], kHealthy[];  // each ends with a null name
