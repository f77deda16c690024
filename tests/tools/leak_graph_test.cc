// SPDX-License-Identifier: BSL-1.0
#include "tools/gossamer/leak_graph.h"

#include <doctest/doctest.h>

using namespace insp;

namespace {

struct builder {
    leak_graph g;
    uint32_t channel(uint64_t handles) {
        g.places.push_back({});
        g.places.back().handles = handles;
        return uint32_t(g.places.size() - 1);
    }
    uint32_t waits(std::vector<uint32_t> places) {
        g.waiters.push_back({});
        g.waiters.back().places = std::move(places);
        return uint32_t(g.waiters.size() - 1);
    }
    // A handle in the start closure; or words in the frames, which may be one.
    void closure_has(uint32_t w, uint32_t place) { g.waiters[w].mentions.push_back({place, 1}); }
    void stack_has(uint32_t w, uint32_t place, uint32_t words = 1) { g.waiters[w].mentions.push_back({place, words}); }
    std::vector<bool> stuck() const { return find_stuck(g); }
};

using all = std::vector<bool>;

}  // namespace

TEST_CASE("a receiver with the only handle is leaked") {
    builder b;
    uint32_t c = b.channel(1);
    b.closure_has(b.waits({c}), c);
    CHECK(b.stuck() == all{true});
}

TEST_CASE("a handle that is not found among the stuck keeps the waiter alive") {
    builder b;
    uint32_t c = b.channel(2);
    b.closure_has(b.waits({c}), c);
    CHECK(b.stuck() == all{false});
}

TEST_CASE("words may be no handles, in closures too: then it counts whether the address was seen outside") {
    for (bool in_closure : {false, true}) {
        builder b;
        uint32_t c = b.channel(1), w = b.waits({c});
        in_closure ? b.closure_has(w, c) : b.stack_has(w, c, 3);
        CHECK(b.stuck() == all{true});
        b.g.places[c].outside = true;
        CHECK(b.stuck() == all{false});
    }
}

TEST_CASE("two goroutines that hold each other's channels are leaked together") {
    builder b;
    uint32_t c = b.channel(2), d = b.channel(2);
    for (auto& [own, other] : {std::pair{c, d}, std::pair{d, c}}) {
        uint32_t w = b.waits({own});
        b.closure_has(w, own);
        b.closure_has(w, other);
    }
    CHECK(b.stuck() == all{true, true});
}

TEST_CASE("one more handle outside wakes one of them, and that one the other") {
    builder b;
    uint32_t c = b.channel(3), d = b.channel(2);
    for (auto& [own, other] : {std::pair{c, d}, std::pair{d, c}}) {
        uint32_t w = b.waits({own});
        b.closure_has(w, own);
        b.closure_has(w, other);
    }
    CHECK(b.stuck() == all{false, false});
}

TEST_CASE("a select is leaked only when all of its channels are dead") {
    builder b;
    uint32_t c = b.channel(1), d = b.channel(1);
    uint32_t w = b.waits({c, d});
    b.closure_has(w, c);
    b.closure_has(w, d);
    CHECK(b.stuck() == all{true});
    b.g.places[d].handles = 2;
    CHECK(b.stuck() == all{false});
}

TEST_CASE("a timer's channel and a closed one wake their waiter") {
    builder b;
    uint32_t c = b.channel(1), timer = b.channel(1);
    uint32_t w = b.waits({c, timer});
    b.closure_has(w, c);
    b.closure_has(w, timer);
    b.g.places[timer].is_alive = true;
    CHECK(b.stuck() == all{false});
}

TEST_CASE("a handle in the frame of a waiter is used by whoever has a pointer into that frame") {
    builder b;
    uint32_t done = b.channel(1);
    uint32_t main = b.waits({done});
    b.stack_has(main, done);
    CHECK(b.stuck() == all{true});
    b.g.waiters[main].outside = true;  // a worker that runs captured it by reference
    CHECK(b.stuck() == all{false});
}

TEST_CASE("a pointer into the frame from a goroutine that is stuck too helps nobody") {
    builder b;
    uint32_t done = b.channel(1), never = b.channel(1);
    uint32_t main = b.waits({done}), worker = b.waits({never});
    b.stack_has(main, done);
    b.closure_has(worker, never);
    b.g.waiters[worker].reaches.push_back(main);
    CHECK(b.stuck() == all{true, true});
    b.g.places[never].handles = 2;
    CHECK(b.stuck() == all{false, false});
}

TEST_CASE("a wait group in the waiter's own frame is alive as long as one child is") {
    builder b;
    uint32_t group = b.channel(0), never = b.channel(1);
    uint32_t main = b.waits({group}), child = b.waits({never});
    b.g.places[group].room = main;
    b.g.waiters[child].reaches.push_back(main);
    b.closure_has(child, never);
    CHECK(b.stuck() == all{true, true});
    b.g.waiters[main].outside = true;  // another child runs
    CHECK(b.stuck() == all{false, true});
}

TEST_CASE("who waits for a mutex is leaked with its holder") {
    builder b;
    uint32_t never = b.channel(1), mutex = b.channel(0);
    uint32_t holder = b.waits({never});
    b.waits({mutex});
    b.closure_has(holder, never);
    b.g.places[mutex].holder = holder;
    CHECK(b.stuck() == all{true, true});
    b.g.waiters[holder].is_alive = true;
    CHECK(b.stuck() == all{false, false});
}

TEST_CASE("two who hold each other's mutex are leaked, and a second lock by the holder") {
    builder b;
    uint32_t m = b.channel(0), n = b.channel(0), own = b.channel(0);
    uint32_t first = b.waits({m}), second = b.waits({n}), third = b.waits({own});
    b.g.places[m].holder = second;
    b.g.places[n].holder = first;
    b.g.places[own].holder = third;
    CHECK(b.stuck() == all{true, true, true});
}

TEST_CASE("a place that anybody may use wakes its waiters; nothing to wait for wakes nobody") {
    builder b;
    uint32_t somewhere = b.channel(0);
    b.g.places[somewhere].is_alive = true;
    b.waits({somewhere});
    b.waits({});
    CHECK(b.stuck() == all{false, true});
}

TEST_CASE("a long chain of handles falls with its last link") {
    builder b;
    constexpr uint32_t kMany = 50'000;
    for (uint32_t i = 0; i < kMany; i++) b.channel(i + 1 < kMany ? 2 : 1);
    for (uint32_t i = 0; i < kMany; i++) {
        uint32_t w = b.waits({i});
        b.closure_has(w, i);
        if (i > 0) b.closure_has(w, i - 1);
    }
    CHECK(b.stuck() == all(kMany, true));
    b.g.places[kMany - 1].handles = 2;
    CHECK(b.stuck() == all(kMany, false));
}
