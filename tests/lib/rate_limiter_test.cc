// SPDX-License-Identifier: BSL-1.0
// The behaviours of golang.org/x/time/rate; limits so low or so high that a busy machine changes nothing.
#include <doctest/doctest.h>
#include <gossamer/context.h>
#include <gossamer/panic.h>
#include <gossamer/rate_limiter.h>
#include <gossamer/wait_group.h>

#include <atomic>
#include <chrono>
#include <limits>

#include "tests/support/harness.h"

using namespace gossamer;
using namespace std::chrono_literals;

TEST_CASE("a bucket starts full and gives its burst, then nothing until it has filled") {
    rate_limiter slow(every(1h), 3);
    CHECK(slow.allow());
    CHECK(slow.allow(2));
    CHECK_FALSE(slow.allow());
    CHECK(slow.allow(0));
    CHECK(slow.tokens() < 1);
}

TEST_CASE("what is asked beyond the burst is never given") {
    rate_limiter one(every(1ns), 1);
    CHECK_FALSE(one.allow(2));
    CHECK_FALSE(one.reserve(2).ok());
    CHECK(one.reserve(2).delay() == std::chrono::nanoseconds::max());
    error err = one.wait(background(), 2);
    CHECK(err.message() == "rate: Wait(n=2) exceeds limiter's burst 1");
}

TEST_CASE("no limit gives everything, a limit of zero only the bucket") {
    rate_limiter free(rate_limiter::kNoLimit, 0);
    for (int i = 0; i < 100; i++) CHECK(free.allow(1000));
    CHECK_FALSE(free.wait(background(), 5));
    CHECK(every(0s) == rate_limiter::kNoLimit);
    rate_limiter closed(0, 1);
    CHECK(closed.allow());
    CHECK_FALSE(closed.allow());
    CHECK_FALSE(closed.reserve().ok());
}

TEST_CASE("reservations queue up one after the other, and a cancelled one gives its place back") {
    rate_limiter slow(every(1h), 1);
    CHECK(slow.reserve().delay() == 0ns);
    auto second = slow.reserve();
    CHECK(second.delay() > 59min);
    CHECK(second.delay() <= 60min);
    auto third = slow.reserve();
    CHECK(third.delay() > 119min);
    third.cancel();
    third.cancel();
    CHECK(slow.tokens() > -1.01);
    CHECK(slow.tokens() < -0.9);
    auto again = slow.reserve();
    CHECK(again.delay() > 119min);
    CHECK(again.delay() <= 120min);
}

TEST_CASE("wait lasts until the tokens are there") {
    tests::on_goroutine([] {
        rate_limiter pace(every(2ms), 1);
        auto start = std::chrono::steady_clock::now();
        for (int i = 0; i < 6; i++) REQUIRE_FALSE(pace.wait(background()));
        CHECK(std::chrono::steady_clock::now() - start >= 10ms);
    });
    // On a plain thread too.
    rate_limiter pace(every(1ms), 1);
    CHECK_FALSE(pace.wait(background()));
    CHECK_FALSE(pace.wait(background()));
}

TEST_CASE("many who wait get no more than the limit allows") {
    tests::on_goroutine([] {
        rate_limiter pace(every(500us), 2);
        auto start = std::chrono::steady_clock::now();
        wait_group all;
        for (int i = 0; i < 4; i++)
            all.go([&] {
                for (int k = 0; k < 5; k++) CHECK_FALSE(pace.wait(background()));
            });
        all.wait();
        CHECK(std::chrono::steady_clock::now() - start >= 18 * 500us);
    });
}

TEST_CASE("wait fails at once when it cannot succeed in time, and takes nothing") {
    rate_limiter slow(every(1h), 1);
    CHECK(slow.allow());
    auto [ctx, cancel] = with_timeout(background(), 1min);
    CHECK(slow.wait(ctx).message() == "rate: Wait(n=1) would exceed context deadline");
    CHECK(slow.tokens() > -0.1);
    cancel();
    CHECK(slow.wait(ctx) == context::canceled);
}

TEST_CASE("who is cancelled while waiting gives the tokens back") {
    tests::on_goroutine([] {
        rate_limiter slow(every(1h), 1);
        CHECK(slow.allow());
        auto [ctx, cancel] = with_cancel(background());
        wait_group waiter;
        waiter.go([&, ctx = ctx] { CHECK(slow.wait(ctx) == context::canceled); });
        REQUIRE(tests::eventually([&] { return slow.tokens() < -0.5; }));
        cancel();
        waiter.wait();
        CHECK(slow.tokens() > -0.1);
    });
}

TEST_CASE("limit and burst can be changed") {
    rate_limiter l(every(1h), 5);
    CHECK(l.burst() == 5);
    l.set_burst(2);
    CHECK(l.tokens() <= 2);
    CHECK(l.allow(2));
    l.set_limit(1e9);
    CHECK(l.limit() == 1e9);
    CHECK(tests::eventually([&] { return l.allow(2); }));
}

TEST_CASE("numbers that make no sense panic") {
    CHECK_THROWS_AS(rate_limiter(-1, 1), panic);
    CHECK_THROWS_AS(rate_limiter(std::numeric_limits<double>::quiet_NaN(), 1), panic);
    CHECK_THROWS_AS(rate_limiter(1, -1), panic);
    rate_limiter l(1, 1);
    CHECK_THROWS_AS(l.allow(-1), panic);
    CHECK_THROWS_AS(l.set_limit(-1), panic);
    CHECK_THROWS_AS(l.set_burst(-1), panic);
}
