// SPDX-License-Identifier: BSL-1.0
#include "gossamer/wait_group.h"

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "gossamer/panic.h"
#include "tests/lib/sync/probe.h"
#include "tests/support/panic_of.h"

using gossamer::panic;
using gossamer::wait_group;
using gossamer::rt::wait_reason;
using tests::panic_of;

TEST_CASE("wait returns at once when nothing was added [WG1]") {
    static_assert(std::is_trivially_destructible_v<wait_group>);
    wait_group w;
    w.wait();
    w.add(3);
    w.add(-2);
    w.done();
    w.wait();
}

TEST_CASE("wait returns when the count is zero, and sees what was written before done [WG1] [MM7]") {
    tests::on_goroutine([] {
        wait_group w, end;
        tests::probe p;
        int written = 0, seen = 0;
        w.add(2);
        end.go([&] {
            p.here();
            w.wait();
            seen = written;
        });
        REQUIRE(p.comes_to_sleep(wait_reason::wait_group_wait));
        w.done();
        CHECK(p.asleep(wait_reason::wait_group_wait));
        written = 5;
        w.done();
        end.wait();
        CHECK(seen == 5);
    });
}

TEST_CASE("several goroutines and plain threads may wait [WG1]") {
    wait_group w, end;
    std::atomic<int> through{0};
    w.add(1);
    tests::probe p[4];
    for (tests::probe& one : p)
        end.go([&] {
            one.here();
            w.wait();
            through++;
        });
    for (tests::probe& one : p) REQUIRE(one.comes_to_sleep(wait_reason::wait_group_wait));
    std::thread plain([&] {
        w.wait();
        through++;
    });
    CHECK(through.load() == 0);
    w.done();
    plain.join();
    end.wait();
    CHECK(through.load() == 5);
}

TEST_CASE("those who waited run last first, then in order, on one proc [CH20]") {
    if (!tests::on_one_proc()) return;
    tests::on_goroutine([] {
        wait_group w, end;
        std::vector<int> order;
        tests::probe p[6];
        w.add(1);
        for (int i = 0; i < 6; i++) {
            end.go([&, i] {
                p[i].here();
                w.wait();
                order.push_back(i);
            });
            REQUIRE(p[i].comes_to_sleep(wait_reason::wait_group_wait));
        }
        w.done();
        end.wait();
        CHECK(order == std::vector<int>{5, 0, 1, 2, 3, 4});
    });
}

TEST_CASE("a count below zero panics [WG2]") {
    wait_group w;
    CHECK(panic_of([&] { w.done(); }) == "sync: negative WaitGroup counter");
    wait_group v;
    v.add(1);
    CHECK(panic_of([&] { v.add(-2); }) == "sync: negative WaitGroup counter");
}

TEST_CASE("add may come at any time while the count is above zero, also while somebody waits [WG3]") {
    tests::on_goroutine([] {
        wait_group w, end;
        tests::probe p;
        std::atomic<bool> through{false};
        w.add(1);
        end.go([&] {
            p.here();
            w.wait();
            through.store(true);
        });
        REQUIRE(p.comes_to_sleep(wait_reason::wait_group_wait));
        w.add(2);
        w.done();
        w.done();
        CHECK_FALSE(through.load());
        w.done();
        end.wait();
        CHECK(through.load());
    });
}

TEST_CASE("a wait group may be used again after its waits have returned [WG4]") {
    tests::on_goroutine([] {
        wait_group w;
        std::atomic<int> ran{0};
        for (int round = 1; round <= 200; round++) {
            w.add(10);
            for (int i = 0; i < 10; i++)
                gossamer::go([&] {
                    ran++;
                    w.done();
                });
            w.wait();
            REQUIRE(ran.load() == 10 * round);
        }
    });
}

TEST_CASE("go runs the function and counts it, goexit in it too [WG5]") {
    wait_group w;
    std::atomic<int> ran{0};
    w.go([&] { ran++; });
    w.go([&] {
        ran++;
        gossamer::goexit();
        ran += 100;
    });
    w.wait();
    CHECK(ran.load() == 2);
}

TEST_CASE("what the function holds is destroyed before wait returns [WG5]") {
    struct last_words {
        std::atomic<bool>* gone;
        std::unique_ptr<int> only_movable;
        last_words(std::atomic<bool>* g) : gone(g), only_movable(new int(1)) {}
        last_words(last_words&& from) noexcept
            : gone(std::exchange(from.gone, nullptr)), only_movable(std::move(from.only_movable)) {}
        ~last_words() {
            if (gone != nullptr) gone->store(true);
        }
    };
    for (int i = 0; i < 100; i++) {
        std::atomic<bool> gone{false};
        wait_group w;
        w.go([held = last_words(&gone)] {});
        w.wait();
        REQUIRE(gone.load());
    }
}

TEST_CASE("a wait group may be destroyed as soon as wait has returned") {
    for (int round = 0; round < 2'000; round++) {
        auto w = std::make_unique<wait_group>();
        w->add(4);
        for (int i = 0; i < 4; i++) gossamer::go([w = w.get()] { w->done(); });
        w->wait();
        w.reset();
    }
}
