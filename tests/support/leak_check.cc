// SPDX-License-Identifier: BSL-1.0
#include "tests/support/leak_check.h"

#include <atomic>

#include "gossamer/runtime.h"
#include "tests/support/harness.h"

namespace tests {

namespace {

std::atomic<int> expected{0};

int surplus() { return static_cast<int>(gossamer::runtime::num_goroutines()) - expected.load(); }

}  // namespace

void start_leak_check() { expected = static_cast<int>(gossamer::runtime::num_goroutines()); }

void forgive_leaked(int n) { expected += n; }

int leaked() {
    // A goroutine that has done its work may still be on its way out.
    if (eventually([] { return surplus() <= 0; })) return 0;
    return surplus();
}

}  // namespace tests
