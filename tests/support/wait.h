// SPDX-License-Identifier: BSL-1.0
// wait: the one constant for the longest wait of any test. Long enough for a sanitizer on a busy machine; a test that passes never
// waits that long, and one that hangs is ended by it.
#pragma once

#include <chrono>

namespace tests {

inline constexpr std::chrono::seconds kLongestWait{30};

}  // namespace tests
