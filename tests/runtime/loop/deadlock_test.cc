// SPDX-License-Identifier: BSL-1.0
#include "runtime/loop/deadlock.h"

#include <doctest/doctest.h>

using namespace gossamer::rt;

namespace {

// Two goroutines and the main thread wait, and nobody else is there.
life_signs stuck() {
    life_signs s;
    s.goroutines = 2;
    s.parked_threads = 1;
    return s;
}

}  // namespace

TEST_CASE("goroutines that all wait, with nobody to wake them, are a deadlock [DL1]") {
    CHECK(judge(stuck()) == verdict::deadlock);
}

TEST_CASE("one sign of life is enough for no deadlock [DL2, DL3]") {
    unsigned life_signs::*const kSigns[] = {
        &life_signs::held_ps,      &life_signs::blocking,      &life_signs::timers,         &life_signs::fd_waiters,
        &life_signs::signal_users, &life_signs::awake_threads, &life_signs::unknown_threads};
    for (auto sign : kSigns) {
        life_signs s = stuck();
        s.*sign = 1;
        CHECK(judge(s) == verdict::alive);
    }
    life_signs s = stuck();
    s.busy_goroutines = 1;
    CHECK(judge(s) == verdict::alive);
}

TEST_CASE("a runtime at rest, with no goroutine and no waiting thread, is no deadlock") {
    CHECK(judge(life_signs{}) == verdict::alive);
}

TEST_CASE("a plain thread that waits alone is a deadlock [DL1]") {
    life_signs s;
    s.parked_threads = 1;
    CHECK(judge(s) == verdict::deadlock);
}

TEST_CASE("a main that left by goexit is named when the last goroutine has ended [G15]") {
    life_signs s;
    s.parked_threads = 1;
    s.main_ended = true;
    CHECK(judge(s) == verdict::no_goroutines);
    s.goroutines = 1;
    CHECK(judge(s) == verdict::deadlock);
}
