// SPDX-License-Identifier: BSL-1.0
#include "runtime/timer/sleep.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "gossamer/chan.h"
#include "gossamer/go.h"
#include "gossamer/wait_group.h"
#include "runtime/timer/clock.h"
#include "tests/support/harness.h"

using namespace gossamer;

TEST_CASE("a sleep never ends early, on a goroutine or a plain thread [TM1]") {
    auto sleeps = [] {
        for (int64_t ns : {int64_t{1}, int64_t{1000}, int64_t{100'000}, int64_t{3'000'000}}) {
            int64_t until = rt::after_ns(ns);
            rt::sleep_until(until);
            CHECK(rt::now_ns() >= until);
        }
    };
    SUBCASE("on a goroutine") { tests::on_goroutine(sleeps); }
    SUBCASE("on a plain thread") { sleeps(); }
}

TEST_CASE("a short sleep is not rounded up to a millisecond [TM15]") {
    int64_t least = INT64_MAX;
    tests::on_goroutine([&] {
        for (int i = 0; i < 50; i++) {
            int64_t until = rt::after_ns(100'000);
            rt::sleep_until(until);
            least = std::min(least, rt::now_ns() - until);
        }
    });
    CHECK(least < 800'000);
}

TEST_CASE("a moment that has passed does not put to sleep [TM1]") {
    tests::on_goroutine([] {
        rt::sleep_until(0);
        rt::sleep_until(-1);
        rt::sleep_until(rt::now_ns());
    });
}

TEST_CASE("a thousand goroutines sleep at once and each wakes after its own moment [TM1]") {
    tests::on_goroutine([] {
        wait_group all;
        std::vector<int64_t> lateness(1000);
        for (size_t i = 0; i < lateness.size(); i++) {
            all.go([&lateness, i] {
                int64_t until = rt::after_ns(int64_t((i * 7919) % 20'000'000));
                rt::sleep_until(until);
                lateness[i] = rt::now_ns() - until;
            });
        }
        all.wait();
        CHECK(*std::min_element(lateness.begin(), lateness.end()) >= 0);
    });
}

TEST_CASE("while one sleeps the others run [TM1]") {
    tests::on_goroutine([] {
        chan<int> from_sleeper;
        go([=] {
            rt::sleep_until(rt::after_ns(5'000'000));
            from_sleeper.send(1);
        });
        chan<int> busy;
        go([=] {
            for (int i = 0; i < 100; i++) busy.send(i);
            busy.close();
        });
        int n = 0;
        for (int v : busy) n += v >= 0;
        CHECK(n == 100);
        CHECK(*from_sleeper.recv() == 1);
    });
}
