// SPDX-License-Identifier: BSL-1.0
#include "gossamer/sync_map.h"

#include <doctest/doctest.h>

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <thread>

#include "gossamer/wait_group.h"
#include "tests/support/harness.h"

using gossamer::sync_map;
using gossamer::wait_group;

TEST_CASE("a sync_map loads, stores, swaps and deletes as Go's does [MP1]") {
    sync_map<std::string, int> m;
    CHECK_FALSE(m.load("a"));
    m.store("a", 1);
    CHECK(m.load("a") == 1);
    CHECK(m.load_or_store("a", 2) == std::pair(1, true));
    CHECK(m.load_or_store("b", 2) == std::pair(2, false));
    CHECK(m.swap("a", 3) == 1);
    CHECK_FALSE(m.swap("c", 4));
    CHECK(m.load_and_delete("a") == 3);
    CHECK_FALSE(m.load_and_delete("a"));
    CHECK(m.erase("c"));
    CHECK_FALSE(m.erase("c"));
    m.clear();
    CHECK_FALSE(m.load("b"));
}

TEST_CASE("compare and swap or delete act on the value given only, never on an absent key [MP1]") {
    sync_map<int, std::string> m;
    CHECK_FALSE(m.compare_and_swap(1, "", "x"));
    CHECK_FALSE(m.compare_and_delete(1, ""));
    m.store(1, "a");
    CHECK_FALSE(m.compare_and_swap(1, "b", "x"));
    CHECK(m.compare_and_swap(1, "a", "b"));
    CHECK_FALSE(m.compare_and_delete(1, "a"));
    CHECK(m.compare_and_delete(1, "b"));
    CHECK_FALSE(m.load(1));
}

TEST_CASE("range meets each key once, stops on false, and its function may use the map [MP2]") {
    sync_map<int, int> m;
    for (int i = 0; i < 500; i++) m.store(i, i);
    std::map<int, int> met;
    m.range([&](int key, int value) {
        CHECK(key == value);
        met[key]++;
        m.erase(key);
        if (key < 500) m.store(key + 1'000, key + 1'000);
        return true;
    });
    for (int i = 0; i < 500; i++) CHECK(met[i] == 1);
    for (auto [key, times] : met) CHECK(times == 1);
    for (int i = 0; i < 10; i++) m.store(i, i);
    int calls = 0;
    m.range([&](int, int) { return ++calls < 3; });
    CHECK(calls == 3);
}

TEST_CASE("a deleted value is destroyed at once, by clear too") {
    sync_map<int, std::shared_ptr<int>> m;
    auto held = std::make_shared<int>(1);
    m.store(1, held);
    m.store(2, held);
    m.store(1, nullptr);
    CHECK(held.use_count() == 2);
    m.clear();
    CHECK(held.use_count() == 1);
}

TEST_CASE("goroutines and plain threads count on shared keys without losing one [MP1] [MM9]") {
    constexpr int kKeys = 100, kRounds = 3'000;
    sync_map<int, long> m;
    auto work = [&](unsigned seed) {
        for (int i = 0; i < kRounds; i++) {
            int key = int((seed + unsigned(i) * 7919u) % kKeys);
            if (!m.load_or_store(key, 1).second) continue;
            for (long old = *m.load(key); !m.compare_and_swap(key, old, old + 1); old = *m.load(key)) {
            }
        }
    };
    wait_group end;
    for (unsigned i = 0; i < 6; i++) end.go([&, i] { work(i); });
    std::thread one(work, 10u), two(work, 11u);
    one.join();
    two.join();
    end.wait();
    long sum = 0;
    m.range([&](int, long n) {
        sum += n;
        return true;
    });
    CHECK(sum == 8L * kRounds);
}
