// SPDX-License-Identifier: BSL-1.0
#include "tools/gossamer/objects.h"

#include <doctest/doctest.h>

#include "tools/gossamer/leak_scan.h"

using namespace insp;

namespace {

uint32_t page(uint64_t address) { return uint32_t(address >> 13); }

bool same(const std::vector<stretch>& a, const std::vector<stretch>& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](const stretch& x, const stretch& y) { return x.low == y.low && x.high == y.high; });
}

}  // namespace

TEST_CASE("a mutex's note of its holder finds the stack, from its first byte to its last") {
    stack_map stacks({{0x7f00'0004'0000, 0x7f00'0008'0000, 5}, {0x7f00'0008'0000, 0x7f00'000c'0000, 6}});
    CHECK(stacks.find_page(page(0x7f00'0004'0000)) == 5);
    CHECK(stacks.find_page(page(0x7f00'0007'ffff)) == 5);
    CHECK(stacks.find_page(page(0x7f00'0008'0000)) == 6);
    CHECK(stacks.find_page(page(0x7f00'000b'ffff)) == 6);
    CHECK(stacks.find_page(page(0x7f00'000c'0000)) == 0);
    CHECK(stacks.find_page(page(0x7f00'0003'ffff)) == 0);
    CHECK(stack_map().find_page(1) == 0);
}

TEST_CASE("a stack that lies over a border of 32 terabytes, where the note begins anew, is found on both sides") {
    uint64_t border = uint64_t(3) << 45;
    stack_map stacks({{border - 0x8000, border + 0x8000, 9}, {border + 0x8000, border + 0x10000, 10}});
    CHECK(stacks.find_page(page(border - 0x8000)) == 9);
    CHECK(stacks.find_page(page(border - 1)) == 9);
    CHECK(stacks.find_page(page(border)) == 9);
    CHECK(stacks.find_page(page(border + 0x7fff)) == 9);
    CHECK(stacks.find_page(page(border + 0x8000)) == 10);
}

TEST_CASE("an address finds its stack, and a goroutine its own") {
    stack_map stacks({{0x3000, 0x4000, 2}, {0x1000, 0x2000, 1}});
    REQUIRE(stacks.find(0x1fff) != nullptr);
    CHECK(stacks.find(0x1fff)->id == 1);
    CHECK(stacks.find(0x2000) == nullptr);
    CHECK(stacks.find(0xfff) == nullptr);
    CHECK(stacks.of(2)->low == 0x3000);
    CHECK(stacks.of(3) == nullptr);
}

TEST_CASE("the convoy is the object with the largest sum, not with the longest single wait") {
    std::vector<waited_object> objects(3);
    objects[0].waiters = {1};
    objects[0].total_ns = 1000;
    objects[1].waiters = {2, 3};
    objects[1].total_ns = 600;
    objects[2].waiters = {4, 5, 6};
    objects[2].total_ns = 900;
    CHECK(find_convoy(objects) == &objects[2]);
    objects.clear();
    CHECK(find_convoy(objects) == nullptr);
}

TEST_CASE("every reason to wait has its kind of object, and those without an object are told apart") {
    CHECK(kind_of_wait(1) == object_kind::channel);
    CHECK(kind_of_wait(5) == object_kind::select);
    CHECK(kind_of_wait(10) == object_kind::mutex);
    CHECK(kind_of_wait(7) == object_kind::none);
    CHECK(kind_of_wait(255) == object_kind::none);
    CHECK(waits_for_ever(3));
    CHECK(waits_for_ever(6));
    CHECK_FALSE(waits_for_ever(1));
}

TEST_CASE("stretches are joined, and holes are cut out of them") {
    CHECK(same(join({{5, 9}, {1, 3}, {3, 4}, {8, 12}, {7, 7}}), {{1, 4}, {5, 12}}));
    CHECK(same(without({{0, 10}, {20, 30}}, {{2, 4}, {8, 22}, {29, 40}}), {{0, 2}, {4, 8}, {22, 29}}));
    CHECK(same(without({{0, 10}}, {}), {{0, 10}}));
    CHECK(without({{3, 4}}, {{0, 10}}).empty());
    CHECK(contains({{1, 4}, {5, 12}}, 11));
    CHECK_FALSE(contains({{1, 4}, {5, 12}}, 4));
}
