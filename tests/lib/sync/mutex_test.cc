// SPDX-License-Identifier: BSL-1.0
#include "gossamer/mutex.h"

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "gossamer/runtime.h"
#include "gossamer/wait_group.h"
#include "lib/sync/spin.h"
#include "tests/lib/sync/probe.h"
#include "tests/support/with_procs.h"

using gossamer::mutex;
using gossamer::wait_group;
using gossamer::rt::wait_reason;
using namespace std::chrono_literals;

namespace {
constinit mutex global_mutex;
}

TEST_CASE("a mutex needs no constructor to run and no destructor, and is small [MU1]") {
    static_assert(std::is_trivially_destructible_v<mutex>);
    static_assert(!std::is_copy_constructible_v<mutex> && !std::is_copy_assignable_v<mutex>);
    static_assert(sizeof(mutex) == 16);
    CHECK(global_mutex.try_lock());
    global_mutex.unlock();
}

TEST_CASE("a mutex works with the standard library's guards [MU1]") {
    mutex a, b;
    {
        std::scoped_lock both(a, b);
        CHECK_FALSE(a.try_lock());
        CHECK_FALSE(b.try_lock());
    }
    std::unique_lock hold(a, std::try_to_lock);
    CHECK(hold.owns_lock());
    std::lock_guard other(b);
    CHECK_FALSE(b.try_lock());
}

TEST_CASE("a lock waits for the unlock and sees what was written before it [MM6] [MU1]") {
    tests::on_goroutine([] {
        mutex m;
        tests::probe p;
        int written = 0, seen = 0;
        wait_group end;
        m.lock();
        end.go([&] {
            p.here();
            m.lock();
            seen = written;
            m.unlock();
        });
        REQUIRE(p.comes_to_sleep(wait_reason::mutex_lock));
        written = 7;
        m.unlock();
        end.wait();
        CHECK(seen == 7);
    });
}

TEST_CASE("goroutines and plain threads exclude each other [MU1]") {
    constexpr int kEach = 20'000;
    mutex m;
    long count = 0;
    auto work = [&] {
        for (int i = 0; i < kEach; i++) {
            std::lock_guard hold(m);
            count++;
        }
    };
    wait_group end;
    for (int i = 0; i < 8; i++) end.go(work);
    std::thread one(work), two(work);
    work();
    one.join();
    two.join();
    end.wait();
    CHECK(count == 11L * kEach);
}

TEST_CASE("any goroutine or thread may unlock [MU2]") {
    mutex m;
    m.lock();
    tests::on_goroutine([&] { m.unlock(); });
    CHECK(m.try_lock());
    std::thread([&] { m.unlock(); }).join();
    CHECK(m.try_lock());
    m.unlock();
}

TEST_CASE("try_lock fails on a locked mutex and passes waiters that sleep [MU4]") {
    tests::on_goroutine([] {
        bool passed = false;
        for (int attempt = 0; attempt < 1'000 && !passed; attempt++) {
            mutex m;
            tests::probe p;
            wait_group end;
            m.lock();
            CHECK_FALSE(m.try_lock());
            end.go([&] {
                p.here();
                m.lock();
                m.unlock();
            });
            REQUIRE(p.comes_to_sleep(wait_reason::mutex_lock));
            m.unlock();
            passed = m.try_lock();
            if (passed) m.unlock();
            end.wait();
        }
        CHECK(passed);
    });
}

TEST_CASE("waiters get the lock in the order in which they came [MU5]") {
    tests::on_goroutine([] {
        constexpr int kWaiters = 6;
        mutex m;
        tests::probe p[kWaiters];
        std::vector<int> order;
        wait_group end;
        m.lock();
        for (int i = 0; i < kWaiters; i++) {
            end.go([&, i] {
                p[i].here();
                std::lock_guard hold(m);
                order.push_back(i);
            });
            REQUIRE(p[i].comes_to_sleep(wait_reason::mutex_lock));
        }
        m.unlock();
        end.wait();
        CHECK(order == std::vector<int>{0, 1, 2, 3, 4, 5});
    });
}

TEST_CASE(
    "a waiter that lost after more than 1 ms is handed the lock, and newcomers may not take it [MU4] [MU6] [MU7]") {
    tests::on_goroutine([] {
        bool tried = false;
        for (int attempt = 0; attempt < 1'000 && !tried; attempt++) {
            mutex m;
            tests::probe p;
            std::atomic<bool> let_go{false};
            wait_group end;
            m.lock();
            end.go([&] {
                p.here();
                m.lock();
                while (!let_go.load()) gossamer::yield();
                m.unlock();
            });
            REQUIRE(p.comes_to_sleep(wait_reason::mutex_lock));
            tests::compute_for(2ms);
            m.unlock();
            if (m.try_lock()) {  // else the waiter was quicker
                tried = true;
                REQUIRE(p.comes_to_sleep(wait_reason::mutex_lock));
                m.unlock();
                CHECK_FALSE(m.try_lock());
            }
            let_go.store(true);
            end.wait();
            CHECK(m.try_lock());  // back to normal after the last waiter
            m.unlock();
        }
        CHECK(tried);
    });
}

TEST_CASE("who needs a lock now and then is not starved by who holds it nearly always [MU9]") {
    tests::on_goroutine([] {
        mutex m;
        std::atomic<bool> stop{false};
        wait_group end;
        end.go([&] {
            while (!stop.load()) {
                m.lock();
                tests::compute_for(100us);
                m.unlock();
            }
        });
        auto start = std::chrono::steady_clock::now();
        for (int i = 0; i < 10; i++) {
            tests::compute_for(100us);
            m.lock();
            m.unlock();
        }
        auto took = std::chrono::steady_clock::now() - start;
        stop.store(true);
        end.wait();
        CHECK(took < 10s);
    });
}

TEST_CASE("a mutex may be destroyed by who unlocks it last, at once") {
    struct shared {
        mutex m;
        int users = 4;
    };
    for (int round = 0; round < 2'000; round++) {
        auto* s = new shared;
        wait_group end;
        for (int i = 0; i < 4; i++)
            end.go([s] {
                s->m.lock();
                bool last = --s->users == 0;
                s->m.unlock();
                if (last) delete s;
            });
        end.wait();
    }
}

TEST_CASE(
    "a lock that is held is waited for awake for four rounds, where its holder may run meanwhile and nobody waits here "
    "[MU8]") {
    using gossamer::rt::worth_spinning;
    {
        tests::with_procs one(1);
        tests::on_goroutine([] { CHECK_FALSE(worth_spinning(0)); });
    }
    tests::with_procs two(2);
    if (gossamer::runtime::num_cpu() >= 2)
        tests::on_goroutine([] {
            std::atomic<bool> runs{false}, over{false};
            wait_group all;
            all.go([&] {
                runs = true;
                while (!over) gossamer::runtime::on_goroutine();  // a door at which it gives way when it must
            });
            while (!runs) gossamer::yield();
            bool worth = false, worth_a_fifth = false, not_with_one_queued = false;
            // A busy machine takes either CPU away for a while.
            auto give_up = std::chrono::steady_clock::now() + tests::kLongestWait / 2;
            while (!not_with_one_queued && std::chrono::steady_clock::now() < give_up) {
                bool now = worth_spinning(0) && worth_spinning(3);
                worth |= now;
                worth_a_fifth |= worth_spinning(4);
                all.go([] {});
                not_with_one_queued = now && !worth_spinning(0);
                gossamer::yield();
            }
            over = true;
            all.wait();
            CHECK(worth);
            CHECK_FALSE(worth_a_fifth);
            CHECK(not_with_one_queued);
        });
}
