// SPDX-License-Identifier: BSL-1.0
#include "runtime/stack/sanitizer.h"

#include <doctest/doctest.h>

#include <memory>

#include "gossamer/chan.h"
#include "gossamer/go.h"
#include "tests/lib/chan_peek.h"

using namespace gossamer;

// LeakSanitizer's, where the program has it.
extern "C" [[gnu::weak]] int __lsan_do_recoverable_leak_check();

TEST_CASE("memory that only a parked goroutine holds is no leak") {
    chan<int> gate, ended;
    go([=] {
        auto held = std::make_unique<int[]>(1000);
        held[0] = 1;
        gate.recv();
        ended.send(held[0]);
    });
    REQUIRE(tests::wait_for_receivers(gate, 1));
    if (__lsan_do_recoverable_leak_check != nullptr) CHECK(__lsan_do_recoverable_leak_check() == 0);
    gate.close();
    CHECK(*ended.recv() == 1);
}
