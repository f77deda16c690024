// SPDX-License-Identifier: BSL-1.0
#include "gossamer/cond.h"

#include <doctest/doctest.h>

#include <deque>
#include <mutex>
#include <thread>
#include <vector>

#include "gossamer/mutex.h"
#include "gossamer/wait_group.h"
#include "tests/lib/sync/probe.h"

using gossamer::cond;
using gossamer::mutex;
using gossamer::wait_group;
using gossamer::rt::wait_reason;

TEST_CASE("signal without a waiter does nothing, also for a later waiter [CO2]") {
    tests::on_goroutine([] {
        mutex m;
        cond c(m);
        c.signal();
        c.broadcast();
        tests::probe p;
        wait_group end;
        end.go([&] {
            p.here();
            std::lock_guard hold(m);
            c.wait();
        });
        REQUIRE(p.comes_to_sleep(wait_reason::cond_wait));
        c.signal();
        end.wait();
    });
}

TEST_CASE("wait lets go of the lock while it sleeps and holds it when it returns [CO1]") {
    tests::on_goroutine([] {
        mutex m;
        cond c(m);
        tests::probe p;
        bool held_after = false;
        wait_group end;
        end.go([&] {
            p.here();
            m.lock();
            c.wait();
            held_after = !m.try_lock();
            m.unlock();
        });
        REQUIRE(p.comes_to_sleep(wait_reason::cond_wait));
        REQUIRE(m.try_lock());
        c.signal();
        m.unlock();
        end.wait();
        CHECK(held_after);
    });
}

TEST_CASE("signal wakes one, the one that waits longest; broadcast wakes all [CO2]") {
    tests::on_goroutine([] {
        constexpr int kWaiters = 5;
        mutex m;
        cond c(m);
        tests::probe p[kWaiters];
        std::vector<int> order;
        std::atomic<size_t> woken{0};
        wait_group end;
        for (int i = 0; i < kWaiters; i++) {
            end.go([&, i] {
                p[i].here();
                std::lock_guard hold(m);
                c.wait();
                order.push_back(i);
                woken++;
            });
            REQUIRE(p[i].comes_to_sleep(wait_reason::cond_wait));
        }
        for (size_t i = 0; i < 3; i++) {
            c.signal();
            REQUIRE(tests::eventually([&] { return woken.load() == i + 1; }));
            CHECK(p[i + 1].asleep(wait_reason::cond_wait));
        }
        {
            std::lock_guard hold(m);
            CHECK(order == std::vector<int>{0, 1, 2});
        }
        c.broadcast();
        end.wait();
        CHECK(order.size() == 5);
    });
}

TEST_CASE("a broadcast runs the last waiter first, then the others in order, on one proc [CH20]") {
    if (!tests::on_one_proc()) return;
    tests::on_goroutine([] {
        struct no_lock {
            void lock() {}
            void unlock() {}
        } none;
        cond c(none);
        tests::probe p[6];
        std::vector<int> order;
        wait_group end;
        for (int i = 0; i < 6; i++) {
            end.go([&, i] {
                p[i].here();
                c.wait();
                order.push_back(i);
            });
            REQUIRE(p[i].comes_to_sleep(wait_reason::cond_wait));
        }
        c.broadcast();
        end.wait();
        CHECK(order == std::vector<int>{5, 0, 1, 2, 3, 4});
    });
}

TEST_CASE("a signal between letting go of the lock and sleeping is not lost [CO2]") {
    // The lock's own unlock sends the signal: exactly in that gap.
    struct signals_at_unlock {
        mutex m;
        cond* c = nullptr;
        void lock() { m.lock(); }
        void unlock() {
            m.unlock();
            if (c != nullptr) c->signal();
        }
    };
    auto wait_once = [] {
        signals_at_unlock l;
        cond c(l);
        l.lock();
        l.c = &c;
        c.wait();
        l.c = nullptr;
        l.unlock();
    };
    wait_once();
    tests::on_goroutine(wait_once);
}

TEST_CASE("a queue on two conditions loses nothing between goroutines and plain threads [CO1] [MM7]") {
    constexpr int kItems = 20'000;
    constexpr size_t kRoom = 4;
    mutex m;
    cond not_empty(m), not_full(m);
    std::deque<int> queue;
    std::atomic<long> sum{0};
    auto produce = [&] {
        for (int i = 1; i <= kItems; i++) {
            std::lock_guard hold(m);
            not_full.wait([&] { return queue.size() < kRoom; });
            queue.push_back(i);
            not_empty.signal();
        }
    };
    auto consume = [&] {
        for (int i = 0; i < kItems; i++) {
            std::lock_guard hold(m);
            not_empty.wait([&] { return !queue.empty(); });
            sum += queue.front();
            queue.pop_front();
            not_full.signal();
        }
    };
    wait_group end;
    for (int i = 0; i < 2; i++) {
        end.go(produce);
        end.go(consume);
    }
    std::thread producer(produce), consumer(consume);
    producer.join();
    consumer.join();
    end.wait();
    CHECK(sum.load() == 3L * kItems * (kItems + 1) / 2);
    CHECK(queue.empty());
}
