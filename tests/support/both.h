// SPDX-License-Identifier: BSL-1.0
// both: a test case on a goroutine and on a plain thread.
#pragma once

#include <doctest/doctest.h>

#include "tests/support/harness.h"

namespace tests {

// Runs the rest of a test case both where it may run.
template <class F>
void both(F f) {
    SUBCASE("on a goroutine") { on_goroutine(f); }
    SUBCASE("on a plain thread") { f(); }
}

}  // namespace tests
