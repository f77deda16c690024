// SPDX-License-Identifier: BSL-1.0
#include "tests/support/harness.h"

#include <cstdlib>
#include <thread>

#include "runtime/base/fatal.h"
#include "tests/support/leak_check.h"

namespace tests {

void give_up(const char* sentence) {
    gossamer::rt::print_error("test: %s\n", sentence);
    gossamer::rt::dump_before_death();
    std::abort();
}

bool eventually_true(bool (*cond)(void*), void* arg) {
    auto deadline = std::chrono::steady_clock::now() + kLongestWait;
    while (!cond(arg)) {
        if (std::chrono::steady_clock::now() > deadline) return false;
        gossamer::yield();
    }
    return true;
}

void leave_behind(int n) { forgive_leaked(n); }

}  // namespace tests
