// SPDX-License-Identifier: BSL-1.0
#include "runtime/timer/timer_heap.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <deque>
#include <random>
#include <thread>
#include <vector>

#include "runtime/sched/current.h"
#include "tests/support/harness.h"

using namespace gossamer;

namespace {

// A heap of the test's own: what is due runs only when the test says so.
struct own_heap {
    rt::atomic<int64_t> deadline{rt::kNever};
    rt::timer_heap heap{deadline};
};

// A timer that writes down its own moment.
struct recorder : rt::timer {
    explicit recorder(std::vector<int64_t>& into) {
        arg = &into;
        fire = [](rt::timer* t, int64_t) { static_cast<std::vector<int64_t>*>(t->arg)->push_back(t->when); };
    }
};

std::deque<recorder> recorders(size_t n, std::vector<int64_t>& into) {
    std::deque<recorder> made;
    while (made.size() < n) made.emplace_back(into);
    return made;
}

std::vector<int64_t> random_moments(size_t n, unsigned seed) {
    std::mt19937 random(seed);
    std::vector<int64_t> moments(n);
    for (int64_t& m : moments) m = int64_t(random() % 5000);
    return moments;
}

}  // namespace

TEST_CASE("what is due runs in the order of its moments, the rest stays [C14]") {
    rt::in_runtime scope;
    own_heap own;
    std::vector<int64_t> fired;
    std::vector<int64_t> moments = random_moments(1000, 1);
    std::deque<recorder> timers = recorders(moments.size(), fired);
    for (size_t i = 0; i < timers.size(); i++) own.heap.add(&timers[i], moments[i]);
    std::sort(moments.begin(), moments.end());

    auto due = std::upper_bound(moments.begin(), moments.end(), 2500) - moments.begin();
    CHECK(own.heap.run_due(2500) == moments[size_t(due)]);
    CHECK(own.deadline.load() == moments[size_t(due)]);
    CHECK(fired == std::vector<int64_t>(moments.begin(), moments.begin() + due));
    CHECK(own.heap.size() == moments.size() - size_t(due));

    CHECK(own.heap.run_due(5000) == rt::kNever);
    CHECK(fired == moments);
    CHECK(own.heap.size() == 0);
}

TEST_CASE("a timer is taken out from any place and the others keep their order [C14]") {
    rt::in_runtime scope;
    for (unsigned seed = 0; seed < 20; seed++) {
        own_heap own;
        std::vector<int64_t> fired;
        std::vector<int64_t> moments = random_moments(200, seed);
        std::deque<recorder> timers = recorders(moments.size(), fired);
        for (size_t i = 0; i < timers.size(); i++) own.heap.add(&timers[i], moments[i]);
        std::vector<int64_t> left;
        std::mt19937 random(seed);
        for (size_t i = 0; i < timers.size(); i++) {
            if (random() % 2 == 0) {
                REQUIRE(own.heap.remove(&timers[i]));
                REQUIRE_FALSE(own.heap.remove(&timers[i]));
            } else {
                left.push_back(moments[i]);
            }
        }
        std::sort(left.begin(), left.end());
        REQUIRE(own.deadline.load() == left.front());
        own.heap.run_due(5000);
        REQUIRE(fired == left);
    }
}

TEST_CASE("the earliest deadline is published with each change of it") {
    rt::in_runtime scope;
    own_heap own;
    std::vector<int64_t> fired;
    recorder late(fired), early(fired);
    CHECK(own.heap.add(&late, 20));
    CHECK(own.deadline.load() == 20);
    CHECK(own.heap.add(&early, 10));
    CHECK(own.deadline.load() == 10);
    CHECK(own.heap.remove(&early));
    CHECK(own.deadline.load() == 20);
    CHECK_FALSE(own.heap.add(&early, 30));
    CHECK(own.deadline.load() == 20);
    CHECK(own.heap.remove(&late));
    CHECK(own.heap.remove(&early));
    CHECK(own.deadline.load() == rt::kNever);
}

TEST_CASE("a timer's function may arm and stop timers of the same heap") {
    rt::in_runtime scope;
    static own_heap* own;
    static int runs;
    own_heap here;
    own = &here;
    runs = 0;
    std::vector<int64_t> fired_here;
    static recorder* victim;
    recorder victim_here(fired_here);
    victim = &victim_here;
    rt::timer again;
    again.fire = [](rt::timer* t, int64_t now) {
        if (runs++ == 0) CHECK(own->heap.remove(victim));
        if (runs < 3) own->heap.add(t, now);  // due again at once
    };
    here.heap.add(&again, 1);
    here.heap.add(&victim_here, 2);
    CHECK(here.heap.run_due(5) == rt::kNever);
    CHECK(runs == 3);
    CHECK(fired_here.empty());
}

TEST_CASE("timers move to another heap and are stopped there") {
    rt::in_runtime scope;
    own_heap from, to;
    std::vector<int64_t> fired;
    std::deque<recorder> timers = recorders(100, fired);
    for (size_t i = 0; i < timers.size(); i++) from.heap.add(&timers[i], int64_t(100 - i));
    from.heap.move_all_to(to.heap);
    CHECK(from.heap.size() == 0);
    CHECK(from.deadline.load() == rt::kNever);
    CHECK(to.heap.size() == 100);
    CHECK(to.deadline.load() == 1);
    for (size_t i = 0; i < 50; i++) REQUIRE(rt::stop(&timers[i]));
    CHECK(to.heap.run_due(1000) == rt::kNever);
    CHECK(fired.size() == 50);
    CHECK(std::is_sorted(fired.begin(), fired.end()));
    // The emptied heap is as good as new.
    CHECK(from.heap.add(&timers[0], 7));
    CHECK(from.heap.remove(&timers[0]));
}

TEST_CASE("each arming ends in one stop that says yes or in one call, whoever races [timer invariant 2]") {
    constexpr int kRounds = 20'000;
    struct racer : rt::timer {
        std::atomic<int> calls{0};
    };
    own_heap own, other;
    racer t;
    t.fire = [](rt::timer* self, int64_t) { static_cast<racer*>(self)->calls.fetch_add(1); };
    std::atomic<bool> over{false};
    auto run_all = [&](rt::timer_heap& heap) {
        while (!over) {
            rt::in_runtime scope;
            heap.run_due(1);
        }
    };
    std::jthread owner([&] { run_all(own.heap); });
    std::jthread thief([&] { run_all(own.heap); });
    std::jthread mover([&] {
        while (!over) {
            rt::in_runtime scope;
            own.heap.move_all_to(other.heap);
            other.heap.run_due(1);
        }
    });
    int stopped = 0;
    for (int round = 1; round <= kRounds; round++) {
        rt::in_runtime scope;
        own.heap.add(&t, 1);
        if (rt::stop(&t))
            stopped++;
        else
            while (t.calls.load() + stopped < round) std::this_thread::yield();
        REQUIRE(t.calls.load() + stopped == round);
    }
    over = true;
}
