// SPDX-License-Identifier: BSL-1.0
#include <doctest/doctest.h>
#include <gossamer/defer.h>
#include <gossamer/go.h>
#include <gossamer/panic.h>

#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/support/harness.h"

using namespace gossamer;

TEST_CASE("a panic keeps its value, whatever its type [P8]") {
    struct point {
        int x, y;
    };
    try {
        throw panic(point{1, 2});
    } catch (const panic& p) {
        REQUIRE(p.value<point>() != nullptr);
        CHECK(p.value<point>()->y == 2);
        CHECK(p.value<int>() == nullptr);
        CHECK(std::string(p.what()).find("point) 0x") != std::string::npos);
    }
    CHECK(std::string(panic(42).what()) == "42");
    CHECK(*panic(42).value<int>() == 42);
    CHECK(std::string(panic(std::runtime_error("broken")).what()) == "broken");
    CHECK(std::string(panic(error("late")).what()) == "late");
}

TEST_CASE("a text in any form is a std::string in the panic") {
    CHECK(*panic("a").value<std::string>() == "a");
    CHECK(*panic(std::string("b")).value<std::string>() == "b");
    CHECK(*panic(std::string_view("cd").substr(1)).value<std::string>() == "d");
}

TEST_CASE("a panic of nothing has a text of its own [P7]") {
    CHECK(std::string(panic(nullptr).what()) == "panic called with nil argument");
}

TEST_CASE("a panic is a std::exception, and copies share the value") {
    panic first("shared");
    panic second = first;
    CHECK(first.value<std::string>() == second.value<std::string>());
    const std::exception& e = second;
    CHECK(std::string(e.what()) == "shared");
}

TEST_CASE("a recovered panic lets the goroutine go on [P5]") {
    tests::on_goroutine([] {
        std::string caught;
        try {
            throw panic("first");
        } catch (const panic& p) {
            caught = p.what();
        }
        CHECK(caught == "first");
    });
}

TEST_CASE("deferred calls run last first, when the block ends and also when it throws [P1]") {
    std::vector<int> order;
    {
        defer a{[&] { order.push_back(1); }};
        defer b{[&] { order.push_back(2); }};
    }
    CHECK(order == std::vector{2, 1});
    try {
        defer a{[&] { order.push_back(3); }};
        throw panic("out");
    } catch (const panic&) {
        order.push_back(4);
    }
    CHECK(order == std::vector{2, 1, 3, 4});
}

TEST_CASE("a deferred call sees what the block changed, and its own throw leaves the block [P2] [P3]") {
    int seen = 0;
    {
        int value = 1;
        defer d{[&] { seen = value; }};
        value = 2;
    }
    CHECK(seen == 2);
    CHECK_THROWS_AS([] { defer d{[] { throw panic("late"); }}; }(), panic);
    bool due = false;
    CHECK_THROWS_AS(
        [&] {
            defer nothing{std::function<void()>()};  // an empty one fails when it is due, not before
            due = true;
        }(),
        std::bad_function_call);
    CHECK(due);
}

TEST_CASE("a panic made while another is handled can be caught in turn [P6]") {
    try {
        try {
            throw panic("first");
        } catch (const panic&) {
            throw panic("second");
        }
    } catch (const panic& p) {
        CHECK(std::string(p.what()) == "second");
    }
}
