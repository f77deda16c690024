// SPDX-License-Identifier: BSL-1.0
#include "tools/gossamer/spawn_tree.h"

#include <doctest/doctest.h>

using namespace insp;

TEST_CASE(
    "children stand below their creators, and those that look alike are counted with their own children together") {
    auto tree = grow_tree({{1, 0, 0, "main"},
                           {2, 1, 1, "worker"},
                           {3, 1, 2, "worker"},
                           {4, 1, 3, "other"},
                           {5, 2, 4, "job"},
                           {6, 3, 5, "job"},
                           {7, 3, 6, "log"}});
    REQUIRE(tree.size() == 1);
    CHECK(tree[0].descendants == 6);
    REQUIRE(tree[0].children.size() == 2);
    const spawn_branch& workers = tree[0].children[0];
    CHECK(workers.id == 2);
    CHECK(workers.count == 2);
    REQUIRE(workers.children.size() == 2);
    CHECK(workers.children[0].count == 2);
    CHECK(workers.children[1].count == 1);
    CHECK(tree[0].children[1].index == 3);
}

TEST_CASE("orphans of a creator that has ended stand together below it") {
    auto tree = grow_tree({{1, 0, 0, "main"}, {20, 17, 1, "a"}, {21, 17, 2, "b"}, {22, 18, 3, "b"}});
    REQUIRE(tree.size() == 3);
    CHECK(tree[1].index == spawn_branch::kEnded);
    CHECK(tree[1].id == 17);
    CHECK(tree[1].count == 0);
    CHECK(tree[1].descendants == 2);
    CHECK(tree[2].id == 18);
}

TEST_CASE("a creator that is its own child, or younger than it, makes no endless tree") {
    auto tree = grow_tree({{5, 5, 0, "a"}, {6, 7, 1, "b"}, {7, 6, 2, "c"}});
    size_t all = 0;
    for (const spawn_branch& b : tree) all += b.count + b.descendants;
    CHECK(all == 3);
}

TEST_CASE("a chain of a hundred thousand generations is drawn without a deep stack, and nobody is lost") {
    std::vector<spawn_node> nodes;
    for (uint32_t i = 1; i <= 100'000; i++) nodes.push_back({i, i - 1, i, "link"});
    auto tree = grow_tree(std::move(nodes));
    REQUIRE(tree.size() == 1);
    CHECK(tree[0].count + tree[0].descendants == 100'000);
}
