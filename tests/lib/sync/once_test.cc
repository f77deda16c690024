// SPDX-License-Identifier: BSL-1.0
#include "gossamer/once.h"

#include <doctest/doctest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <thread>

#include "gossamer/wait_group.h"
#include "tests/lib/sync/probe.h"

using gossamer::once;
using gossamer::panic;
using gossamer::wait_group;

namespace {
constinit once global_once;
}

TEST_CASE("only the first call of a once runs, whatever function the later ones pass [ON1]") {
    int ran = 0;
    global_once.call([&] { ran = 1; });
    global_once.call([&] { ran = 2; });
    CHECK(ran == 1);
}

TEST_CASE("every call returns only after the first has ended, from goroutines and plain threads [ON1] [MM7]") {
    for (int round = 0; round < 200; round++) {
        once o;
        int made = 0;
        std::atomic<int> early{0};
        auto use = [&] {
            o.call([&] {
                gossamer::yield();
                made++;
            });
            if (made != 1) early++;
        };
        wait_group end;
        for (int i = 0; i < 8; i++) end.go(use);
        std::thread plain(use);
        plain.join();
        end.wait();
        REQUIRE(early.load() == 0);
    }
}

TEST_CASE("a function that throws or leaves by goexit counts as done [ON2]") {
    once thrown, left;
    CHECK_THROWS_AS(thrown.call([] { throw std::runtime_error("no"); }), std::runtime_error);
    bool again = false;
    thrown.call([&] { again = true; });
    CHECK_FALSE(again);

    wait_group end;
    end.go([&] { left.call([] { gossamer::goexit(); }); });
    end.wait();
    left.call([&] { again = true; });
    CHECK_FALSE(again);
}

TEST_CASE("once_func calls its function once, however many copies are called [ON3]") {
    int ran = 0;
    auto f = gossamer::once_func([&] { ran++; });
    auto copy = f;
    f();
    copy();
    f();
    CHECK(ran == 1);
}

TEST_CASE("once_value and once_values keep the result [ON3]") {
    int ran = 0;
    auto value = gossamer::once_value([&] {
        ran++;
        return std::string("made once");
    });
    CHECK(value() == "made once");
    CHECK(value() == "made once");
    CHECK(ran == 1);

    auto pair = gossamer::once_values([&] { return std::pair(++ran, std::string("two")); });
    auto [n, text] = pair();
    CHECK(n == 2);
    CHECK(text == "two");
    CHECK(pair().first == 2);

    int target = 4;
    auto reference = gossamer::once_value([&]() -> int& { return target; });
    reference() = 5;
    CHECK(target == 5);
}

TEST_CASE("what the function threw is thrown at every call [ON3]") {
    int ran = 0;
    auto f = gossamer::once_value([&]() -> int {
        ran++;
        throw std::runtime_error("broken");
    });
    for (int i = 0; i < 3; i++) CHECK_THROWS_WITH_AS(f(), "broken", std::runtime_error);
    CHECK(ran == 1);
}

TEST_CASE("a function that left by goexit makes later calls panic [ON3]") {
    auto f = gossamer::once_func([] { gossamer::goexit(); });
    std::atomic<bool> returned{false};
    wait_group end;
    end.go([&] {
        f();
        returned.store(true);
    });
    end.wait();
    CHECK_FALSE(returned.load());
    CHECK_THROWS_AS(f(), panic);
}

TEST_CASE("the function and what it holds are released after the call, also after a throw [ON3]") {
    auto held = std::make_shared<int>(1);
    auto f = gossamer::once_func([held] {});
    auto g = gossamer::once_func([held] { throw 1; });
    CHECK(held.use_count() == 3);
    f();
    CHECK(held.use_count() == 2);
    CHECK_THROWS_AS(g(), int);
    CHECK(held.use_count() == 1);
}
