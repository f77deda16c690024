// SPDX-License-Identifier: BSL-1.0
#include "gossamer/semaphore.h"

#include <doctest/doctest.h>

#include <string>
#include <thread>
#include <vector>

#include "gossamer/context.h"
#include "gossamer/panic.h"
#include "gossamer/wait_group.h"
#include "tests/lib/sync/probe.h"
#include "tests/support/panic_of.h"

using gossamer::panic;
using gossamer::semaphore;
using gossamer::wait_group;
using gossamer::rt::wait_reason;
using tests::panic_of;

TEST_CASE("tokens are taken and given back by weight [SM1]") {
    semaphore s(10);
    s.acquire(7);
    CHECK(s.held() == 7);
    CHECK_FALSE(s.try_acquire(4));
    CHECK(s.try_acquire(3));
    s.release(10);
    CHECK(s.held() == 0);
    s.acquire(0);
    CHECK(s.try_acquire(0));
}

TEST_CASE("misuse of a semaphore panics in Go's words [SM1]") {
    CHECK(panic_of([] { semaphore s(-1); }) == "semaphore: negative size");
    semaphore s(2);
    CHECK(panic_of([&] { s.acquire(-1); }) == "semaphore: negative count");
    CHECK(panic_of([&] { (void)s.try_acquire(-1); }) == "semaphore: negative count");
    CHECK(panic_of([&] { s.release(-1); }) == "semaphore: negative count");
    s.acquire();
    CHECK(panic_of([&] { s.release(2); }) == "semaphore: released more than held");
    CHECK(s.held() == 1);
}

TEST_CASE("a large request that waits holds back small ones, so it is served [SM2]") {
    tests::on_goroutine([] {
        semaphore s(4);
        tests::probe large, small;
        std::string order;
        wait_group end;
        s.acquire(2);
        end.go([&] {
            large.here();
            s.acquire(4);
            order += 'L';
            s.release(4);
        });
        REQUIRE(large.comes_to_sleep(wait_reason::semacquire));
        CHECK_FALSE(s.try_acquire(1));
        end.go([&] {
            small.here();
            s.acquire(1);
            order += 's';
            s.release(1);
        });
        REQUIRE(small.comes_to_sleep(wait_reason::semacquire));
        s.release(2);
        end.wait();
        CHECK(order == "Ls");
        CHECK(s.held() == 0);
    });
}

TEST_CASE("one release lets in all that fit now, in order [SM2]") {
    tests::on_goroutine([] {
        semaphore s(6);
        tests::probe p[4];
        int64_t wants[4] = {1, 2, 3, 1};
        std::atomic<int> in{0};
        std::atomic<bool> leave{false};
        wait_group end;
        s.acquire(6);
        for (int i = 0; i < 4; i++) {
            end.go([&, i] {
                p[i].here();
                s.acquire(wants[i]);
                in++;
                while (!leave.load()) gossamer::yield();
                s.release(wants[i]);
            });
            REQUIRE(p[i].comes_to_sleep(wait_reason::semacquire));
        }
        s.release(6);
        REQUIRE(tests::eventually([&] { return in.load() == 3; }));
        CHECK(p[3].asleep(wait_reason::semacquire));
        CHECK(s.held() == 6);
        leave.store(true);
        end.wait();
        CHECK(s.held() == 0);
    });
}

TEST_CASE("never more than its size are inside, goroutines and plain threads together [SM1]") {
    constexpr int kSize = 3, kRounds = 3'000;
    semaphore s(kSize);
    std::atomic<int> inside{0}, most{0};
    auto work = [&] {
        for (int i = 0; i < kRounds; i++) {
            s.acquire();
            int now = ++inside;
            int seen = most.load();
            while (now > seen && !most.compare_exchange_weak(seen, now)) {
            }
            if (i % 16 == 0) gossamer::yield();
            inside--;
            s.release();
        }
    };
    wait_group end;
    for (int i = 0; i < 6; i++) end.go(work);
    std::thread one(work), two(work);
    one.join();
    two.join();
    end.wait();
    CHECK(most.load() <= kSize);
    CHECK(s.held() == 0);
}

TEST_CASE("a context that is done fails even if tokens are free, and background never ends a wait [SM3]") {
    semaphore s(2);
    auto [ctx, cancel] = gossamer::with_cancel(gossamer::background());
    CHECK_FALSE(s.acquire(ctx, 2));
    s.release(2);
    cancel();
    CHECK(s.acquire(ctx, 1) == gossamer::context::canceled);
    CHECK(s.held() == 0);
    CHECK_FALSE(s.acquire(gossamer::background(), 2));
    s.release(2);
}

TEST_CASE("cancelling a waiter returns its context's error and takes no tokens [SM3]") {
    tests::on_goroutine([] {
        semaphore s(2);
        auto [ctx, cancel] = gossamer::with_cancel(gossamer::background());
        tests::probe p;
        gossamer::error got;
        wait_group end;
        s.acquire(1);
        end.go([&, ctx = ctx] {
            p.here();
            got = s.acquire(ctx, 2);
        });
        REQUIRE(p.comes_to_sleep(wait_reason::select));
        cancel();
        end.wait();
        CHECK(got == gossamer::context::canceled);
        CHECK(s.held() == 1);
        s.release(1);
        CHECK(s.try_acquire(2));
    });
}

TEST_CASE("a request above the size waits for its context without holding back others [SM3]") {
    tests::on_goroutine([] {
        semaphore s(2);
        auto [ctx, cancel] = gossamer::with_cancel(gossamer::background());
        tests::probe p;
        gossamer::error got;
        wait_group end;
        end.go([&, ctx = ctx] {
            p.here();
            got = s.acquire(ctx, 3);
        });
        REQUIRE(p.comes_to_sleep(wait_reason::chan_receive));
        CHECK(s.try_acquire(2));
        s.release(2);
        cancel();
        end.wait();
        CHECK(got == gossamer::context::canceled);
    });
}

TEST_CASE("cancelling the front waiter lets those behind it in that fit now [SM4]") {
    tests::on_goroutine([] {
        semaphore s(4);
        auto [ctx, cancel] = gossamer::with_cancel(gossamer::background());
        tests::probe large, small;
        gossamer::error got;
        wait_group cancelled, let_in;
        s.acquire(2);
        cancelled.go([&, ctx = ctx] {
            large.here();
            got = s.acquire(ctx, 4);
        });
        REQUIRE(large.comes_to_sleep(wait_reason::select));
        let_in.go([&] {
            small.here();
            s.acquire(2);
        });
        REQUIRE(small.comes_to_sleep(wait_reason::semacquire));
        cancel();
        let_in.wait();
        cancelled.wait();
        CHECK(got == gossamer::context::canceled);
        CHECK(s.held() == 4);
    });
}

TEST_CASE("when grant and cancel meet, the tokens are held or given back, never lost [SM3]") {
    tests::on_goroutine([] {
        for (int round = 0; round < 500; round++) {
            semaphore s(1);
            auto [ctx, cancel] = gossamer::with_cancel(gossamer::background());
            std::atomic<bool> go_on{false};
            std::atomic<int> got{0};
            wait_group end;
            s.acquire(1);
            end.go([&, ctx = ctx] {
                if (!s.acquire(ctx, 1)) got++;
            });
            end.go([&, cancel = cancel] {
                while (!go_on.load()) gossamer::yield();
                cancel();
            });
            end.go([&] {
                while (!go_on.load()) gossamer::yield();
                s.release(1);
            });
            go_on.store(true);
            end.wait();
            REQUIRE(s.held() == got.load());
        }
    });
}
