// SPDX-License-Identifier: BSL-1.0
#include "gossamer/errgroup.h"

#include <doctest/doctest.h>

#include <string>

#include "gossamer/context.h"
#include "gossamer/panic.h"
#include "tests/lib/sync/probe.h"

using gossamer::errgroup;
using gossamer::error;
using gossamer::rt::wait_reason;

TEST_CASE("wait waits for all and gives success when none failed [EG1]") {
    errgroup g;
    std::atomic<int> ran{0};
    for (int i = 0; i < 50; i++)
        g.go([&]() -> error {
            gossamer::yield();
            ran++;
            return nullptr;
        });
    CHECK_FALSE(g.wait());
    CHECK(ran.load() == 50);
}

TEST_CASE("wait gives the error that was returned first, every time [EG1]") {
    tests::on_goroutine([] {
        errgroup g;
        const error first("first"), second("second");
        std::atomic<bool> first_done{false};
        g.go([&] {
            while (!first_done.load()) gossamer::yield();
            return second;
        });
        gossamer::wait_group one;
        one.add(1);
        g.go([&] {
            one.done();
            return first;
        });
        one.wait();
        // The group notes the error right after the function returned it; only then may the second one come.
        g.go([&] {
            for (int i = 0; i < 1'000; i++) gossamer::yield();
            first_done.store(true);
            return error();
        });
        CHECK(g.wait() == first);
        CHECK(g.wait() == first);
    });
}

TEST_CASE("no more than the limit are active, and try_go says no instead of waiting [EG3]") {
    tests::on_goroutine([] {
        errgroup g;
        g.set_limit(2);
        std::atomic<bool> leave{false};
        std::atomic<int> active{0}, most{0};
        auto work = [&]() -> error {
            int now = ++active;
            if (now > most.load()) most.store(now);
            while (!leave.load()) gossamer::yield();
            active--;
            return nullptr;
        };
        g.go(work);
        CHECK(g.try_go(work));
        CHECK_FALSE(g.try_go(work));
        tests::probe p;
        gossamer::wait_group third;
        third.go([&] {
            p.here();
            g.go(work);
        });
        REQUIRE(p.comes_to_sleep(wait_reason::semacquire));
        leave.store(true);
        third.wait();
        CHECK_FALSE(g.wait());
        CHECK(most.load() <= 2);
        CHECK(g.try_go(work));
        CHECK_FALSE(g.wait());
    });
}

TEST_CASE("changing the limit while goroutines are active panics, and is fine afterwards [EG3]") {
    errgroup g;
    g.set_limit(3);
    std::atomic<bool> leave{false};
    g.go([&]() -> error {
        while (!leave.load()) gossamer::yield();
        return nullptr;
    });
    CHECK_THROWS_WITH_AS(g.set_limit(5), "errgroup: modify limit while 1 goroutines in the group are still active",
                         gossamer::panic);
    leave.store(true);
    CHECK_FALSE(g.wait());
    g.set_limit(0);
    CHECK_FALSE(g.try_go([]() -> error { return nullptr; }));
    g.set_limit(-1);
    CHECK(g.try_go([]() -> error { return nullptr; }));
    CHECK_FALSE(g.wait());
}

TEST_CASE("goexit in a function gives back the slot and counts as no error [EG4]") {
    errgroup g;
    g.set_limit(1);
    g.go([]() -> error { gossamer::goexit(); });
    g.go([]() -> error { return nullptr; });
    CHECK_FALSE(g.wait());
}

TEST_CASE("the first error cancels the group's context, with itself as the cause [EG2]") {
    tests::on_goroutine([] {
        auto [group, ctx] = errgroup::with_context(gossamer::background());
        const error broken("broken");
        group.go([&, ctx = ctx]() -> error {
            (void)ctx.done().recv();
            return ctx.err();
        });
        CHECK_FALSE(ctx.err());
        group.go([&] { return broken; });
        CHECK(group.wait() == broken);
        CHECK(ctx.err() == gossamer::context::canceled);
        CHECK(ctx.cause() == broken);
    });
}

TEST_CASE("the group's context ends when wait returns, also without an error [EG2]") {
    auto [group, ctx] = errgroup::with_context(gossamer::background());
    group.go([]() -> error { return nullptr; });
    CHECK_FALSE(group.wait());
    CHECK(ctx.err() == gossamer::context::canceled);
    CHECK(ctx.cause() == gossamer::context::canceled);
}
