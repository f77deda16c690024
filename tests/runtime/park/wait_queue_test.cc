// SPDX-License-Identifier: BSL-1.0
#include "runtime/park/wait_queue.h"

#include <doctest/doctest.h>

#include <array>
#include <thread>
#include <vector>

using namespace gossamer::rt;

namespace {

std::vector<sudog*> drain(wait_queue& q) {
    std::vector<sudog*> all;
    while (sudog* s = q.pop_front()) all.push_back(s);
    return all;
}

void wait_in_select(sudog& s, G& g) {
    s.g = &g;
    s.is_select = true;
    s.claim_ticket = claim_ticket(&g);
}

}  // namespace

TEST_CASE("a wait queue is first in, first out; the front can be given back [CH6, MU5]") {
    std::array<sudog, 4> s;
    wait_queue q;
    CHECK(q.empty());
    for (auto& each : s) q.push_back(&each);
    sudog* front = q.pop_front();
    CHECK(front == &s[0]);
    q.push_front(front);
    CHECK(drain(q) == std::vector<sudog*>{&s[0], &s[1], &s[2], &s[3]});
    CHECK(q.empty());
    q.push_front(&s[2]);
    q.push_back(&s[1]);
    CHECK(drain(q) == std::vector<sudog*>{&s[2], &s[1]});
}

TEST_CASE("each place in a wait queue can be taken out, once") {
    for (std::size_t out = 0; out < 3; out++) {
        std::array<sudog, 3> s;
        wait_queue q;
        for (auto& each : s) q.push_back(&each);
        CHECK(q.remove(&s[out]));
        CHECK(!q.remove(&s[out]));
        std::vector<sudog*> rest;
        for (std::size_t i = 0; i < 3; i++)
            if (i != out) rest.push_back(&s[i]);
        CHECK(drain(q) == rest);
        CHECK(!q.remove(&s[0]));
    }
    sudog only;
    wait_queue q;
    q.push_back(&only);
    CHECK(q.remove(&only));
    CHECK(q.empty());
    q.push_back(&only);
    CHECK(q.pop_front() == &only);
    CHECK(!q.remove(&only));
}

TEST_CASE("a select that waits in several queues is claimed through one of them; late claims fail [SE9, SE11]") {
    G g;
    std::array<sudog, 3> s;
    std::array<wait_queue, 3> q;
    for (std::size_t i = 0; i < 3; i++) {
        wait_in_select(s[i], g);
        q[i].push_back(&s[i]);
    }
    CHECK(q[1].pop_claimed() == &s[1]);
    CHECK(q[0].pop_claimed() == nullptr);
    CHECK(q[2].pop_claimed() == nullptr);
    CHECK(q[0].empty());

    // The next select of the same goroutine has a ticket of its own: a waker that is late by a whole select does not win it.
    sudog late = s[2];
    wait_in_select(s[0], g);
    CHECK(!claim(&late));
    CHECK(claim(&s[0]));
    CHECK(!claim(&s[0]));
}

TEST_CASE("selects that were won elsewhere are dropped on the way to a waiter that can be claimed [SE10]") {
    G gone;
    G plain;
    std::array<sudog, 3> s;
    wait_queue q;
    wait_in_select(s[0], gone);
    wait_in_select(s[1], gone);
    s[2].g = &plain;
    for (auto& each : s) q.push_back(&each);
    REQUIRE(claim(&s[0]));
    CHECK(q.pop_claimed() == &s[2]);
    CHECK(q.empty());
}

TEST_CASE("of two wakers that race for one select exactly one wins [SE9]") {
    constexpr int kTurns = 20'000;
    G g;
    int wrong = 0;
    for (int turn = 0; turn < kTurns; turn += 1'000) {
        std::array<int, 2> won{};
        std::vector<sudog> s(2'000);
        std::array<atomic<int>, 1'000> start{};
        // Each turn has a G's ticket to itself: turn k may begin when both have tried turn k - 1.
        auto race = [&](std::size_t me) {
            for (std::size_t k = 0; k < 1'000; k++) {
                sudog& mine = s[2 * k + me];
                mine.g = &g;
                mine.is_select = true;
                if (k != 0)
                    while (start[k - 1].load() != 2) std::this_thread::yield();
                mine.claim_ticket = static_cast<uint32_t>(turn) + static_cast<uint32_t>(k);
                won[me] += claim(&mine);
                start[k].fetch_add(1);
            }
        };
        std::thread other([&] { race(1); });
        race(0);
        other.join();
        wrong += won[0] + won[1] != 1'000;
    }
    CHECK(wrong == 0);
    CHECK(claim_ticket(&g) == kTurns);
}
