// SPDX-License-Identifier: BSL-1.0
#include "tests/support/harness.h"

#include <atomic>
#include <cstdlib>
#include <thread>

#include "runtime/base/fatal.h"
#include "tests/support/leak_check.h"

namespace tests {

namespace {

std::atomic<int> left_behind{0};

}  // namespace

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

void leave_behind(int n) {
    forgive_leaked(n);
    left_behind += n;
}

int left_behind_so_far() { return left_behind; }

}  // namespace tests
