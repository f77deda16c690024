// SPDX-License-Identifier: BSL-1.0
#include <doctest/doctest.h>
#include <gossamer/context.h>
#include <gossamer/error.h>
#include <gossamer/signal.h>
#include <gossamer/time.h>

#include <chrono>
#include <csignal>

#include "tests/support/harness.h"

using namespace gossamer;
using namespace std::chrono_literals;

TEST_CASE("the first signal cancels the context and is named by its cause [SG4]") {
    auto [ctx, stop] = signal::notify_context(background(), {SIGUSR1, SIGUSR2});
    CHECK_FALSE(ctx.err());
    ::raise(SIGUSR2);
    ctx.done().recv();
    CHECK(ctx.err() == context::canceled);
    CHECK(ctx.cause().message() == "user defined signal 2 signal received");
    CHECK(errors::is(ctx.cause(), context::canceled));
    stop();
    CHECK(ctx.cause().message() == "user defined signal 2 signal received");
}

TEST_CASE("later signals stay swallowed until stop, then the old behaviour is back [SG4] [SG2]") {
    struct sigaction before, during, after;
    sigaction(SIGUSR1, nullptr, &before);
    {
        auto [ctx, stop] = signal::notify_context(background(), {SIGUSR1});
        ::raise(SIGUSR1);
        ctx.done().recv();
        ::raise(SIGUSR1);  // by default it would end the process
        sigaction(SIGUSR1, nullptr, &during);
        stop();
        stop();
    }
    sigaction(SIGUSR1, nullptr, &after);
    CHECK((during.sa_handler != before.sa_handler));
    CHECK((after.sa_handler == before.sa_handler));
}

TEST_CASE("stop and the parent end the context without a signal [SG4]") {
    auto [by_stop, stop] = signal::notify_context(background(), {SIGUSR1});
    stop();
    CHECK(by_stop.err() == context::canceled);
    CHECK(by_stop.cause() == context::canceled);

    auto [parent, cancel] = with_timeout(background(), 1ms);
    auto [child, stop_child] = signal::notify_context(parent, {SIGUSR1});
    child.done().recv();
    CHECK(child.err() == context::deadline_exceeded);
    stop_child();
    cancel();

    auto [late, stop_late] = signal::notify_context(parent, {SIGUSR1});
    CHECK(late.err() == context::deadline_exceeded);
    stop_late();
}

TEST_CASE("each signal context gets the signal [SG1] [SG4]") {
    auto [a, stop_a] = signal::notify_context(background(), {SIGUSR1});
    auto [b, stop_b] = signal::notify_context(background(), {});
    ::raise(SIGUSR1);
    a.done().recv();
    b.done().recv();
    CHECK(a.err() == context::canceled);
    CHECK(b.err() == context::canceled);
    stop_a();
    stop_b();
}
