// SPDX-License-Identifier: BSL-1.0
#include "tools/gossamer/wait_graph.h"

#include <doctest/doctest.h>

#include <initializer_list>

using namespace insp;

namespace {

using ids = std::vector<uint64_t>;

// a waits for a mutex that b holds.
void held_by(wait_graph& g, uint64_t a, uint64_t b) {
    g.add(a, wait_kind::all_of);
    if (g.find(b) == nullptr) g.add(b, wait_kind::moves);
    g.connect(a, {b, 0x1000 + a, true});
}
// a waits for any of the others.
void any_of(wait_graph& g, uint64_t a, std::initializer_list<uint64_t> others) {
    g.add(a, wait_kind::any_of);
    for (uint64_t b : others) {
        if (g.find(b) == nullptr) g.add(b, wait_kind::moves);
        g.connect(a, {b, 0x2000 + a, false});
    }
}

}  // namespace

TEST_CASE("two goroutines that hold each other's mutex are a certain deadlock, each followed by whom it waits for") {
    wait_graph g;
    held_by(g, 7, 5);
    held_by(g, 5, 7);
    auto found = find_deadlocks(g);
    REQUIRE(found.size() == 1);
    CHECK(found[0].certain);
    CHECK(found[0].members == ids{5, 7});
    CHECK(found[0].behind.empty());
}

TEST_CASE("a cycle of three is told in the order of waiting, and who waits for a member stands behind it") {
    wait_graph g;
    held_by(g, 1, 3);
    held_by(g, 3, 2);
    held_by(g, 2, 1);
    held_by(g, 9, 3);
    held_by(g, 10, 9);
    held_by(g, 11, 12);
    auto found = find_deadlocks(g);
    REQUIRE(found.size() == 1);
    CHECK(found[0].members == ids{1, 3, 2});
    CHECK(found[0].behind == ids{9, 10});
}

TEST_CASE("a second lock of a mutex by its holder is a deadlock of one") {
    wait_graph g;
    held_by(g, 4, 4);
    auto found = find_deadlocks(g);
    REQUIRE(found.size() == 1);
    CHECK(found[0].certain);
    CHECK(found[0].members == ids{4});
}

TEST_CASE("a long chain that ends at one who runs is no deadlock") {
    wait_graph g;
    for (uint64_t i = 1; i < 100'000; i++) held_by(g, i, i + 1);
    CHECK(find_deadlocks(g).empty());
    auto c = follow(g, 1);
    CHECK(c.steps.size() == 100'000);
    CHECK_FALSE(c.returns);
    CHECK(c.steps.back().edge == nullptr);
}

TEST_CASE("a long cycle is found without a deep stack") {
    wait_graph g;
    for (uint64_t i = 0; i < 100'000; i++) held_by(g, i + 1, (i + 1) % 100'000 + 1);
    auto found = find_deadlocks(g);
    REQUIRE(found.size() == 1);
    CHECK(found[0].members.size() == 100'000);
    CHECK(follow(g, 1).returns);
}

TEST_CASE("a select with one live side is no deadlock, whatever its other sides are") {
    wait_graph g;
    held_by(g, 1, 2);
    held_by(g, 2, 1);
    any_of(g, 3, {1, 2, 8});
    auto found = find_deadlocks(g);
    REQUIRE(found.size() == 1);
    CHECK(found[0].members == ids{1, 2});
    CHECK(found[0].behind.empty());
}

TEST_CASE("a knot of channels is a likely deadlock, and not a certain one") {
    wait_graph g;
    any_of(g, 1, {2, 3});
    any_of(g, 2, {1});
    any_of(g, 3, {2});
    auto found = find_deadlocks(g);
    REQUIRE(found.size() == 1);
    CHECK_FALSE(found[0].certain);
    CHECK(found[0].members == ids{1, 2, 3});
}

TEST_CASE(
    "a channel that nobody else can use stops its waiter for good, and the one who waits for a mutex of that waiter") {
    wait_graph g;
    any_of(g, 1, {});
    held_by(g, 2, 1);
    auto found = find_deadlocks(g);
    REQUIRE(found.size() == 1);
    CHECK_FALSE(found[0].certain);
    CHECK(found[0].members == ids{1});
    CHECK(found[0].behind == ids{2});
}

TEST_CASE("a waiter for all is stuck by one stuck edge, a waiter for any is not") {
    wait_graph g;
    held_by(g, 4, 4);
    g.add(1, wait_kind::all_of);
    g.add(5, wait_kind::moves);
    g.connect(1, {5, 1, false});
    g.connect(1, {4, 1, false});
    any_of(g, 2, {4, 5});
    auto found = find_deadlocks(g);
    REQUIRE(found.size() == 1);
    CHECK(found[0].behind == ids{1});
}

TEST_CASE("a waiter for all of nobody known is not called stuck") {
    wait_graph g;
    g.add(1, wait_kind::all_of);
    held_by(g, 2, 1);
    CHECK(find_deadlocks(g).empty());
}

TEST_CASE("several deadlocks are told one by one, certain ones first") {
    wait_graph g;
    any_of(g, 1, {2});
    any_of(g, 2, {1});
    any_of(g, 20, {1});
    held_by(g, 3, 4);
    held_by(g, 4, 3);
    held_by(g, 5, 5);
    auto found = find_deadlocks(g);
    REQUIRE(found.size() == 3);
    CHECK(found[0].members == ids{3, 4});
    CHECK(found[1].members == ids{5});
    CHECK(found[2].members == ids{1, 2});
    CHECK(found[2].behind == ids{20});
}
