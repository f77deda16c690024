// SPDX-License-Identifier: BSL-1.0
#include "runtime/sched/trace.h"

#include <doctest/doctest.h>

#include "gossamer/time.h"
#include "tests/support/harness.h"

using namespace gossamer;
using namespace std::chrono_literals;

// Window from the wish to the deed on one side, the monitor's older look at the wish on the other.
TEST_CASE("on and off ten thousand times: nobody's older wish switches the recorder on again") {
    tests::on_goroutine([] {
        int on = 0;
        for (int i = 0; i < 10'000; i++) {
            rt::set_recorder(2);
            rt::set_recorder(0);
            on += rt::the_box()->recorder_level.load() != 0;
        }
        CHECK(on == 0);
        sleep(30ms);  // the monitor looks every ten
        CHECK(rt::the_box()->recorder_level.load() == 0);
    });
}
