// SPDX-License-Identifier: BSL-1.0
// seed: what a stress test's random choices start from: GOSSAMER_SEED, which the test program sets and prints when it is not given.
#pragma once

#include <cstdlib>

namespace tests {

inline unsigned stress_seed() {
    if (const char* text = std::getenv("GOSSAMER_SEED")) return static_cast<unsigned>(std::strtoul(text, nullptr, 10));
    return 1;
}

}  // namespace tests
