// SPDX-License-Identifier: BSL-1.0
#include "runtime/timer/timer.h"

#include <doctest/doctest.h>

#include <atomic>
#include <limits>

#include "runtime/sched/current.h"
#include "runtime/timer/timer_heap.h"
#include "tests/support/harness.h"

using namespace gossamer;

namespace {

struct counter : rt::timer {
    std::atomic<int> calls{0};
    std::atomic<int64_t> called_at{0};
    counter() {
        fire = [](rt::timer* t, int64_t now) {
            auto* self = static_cast<counter*>(t);
            self->called_at = now;
            self->calls++;
        };
    }
};

constexpr int64_t kHour = 3'600'000'000'000;

// From a goroutine and from a plain thread.
void both(void (*f)()) {
    SUBCASE("on a goroutine") { tests::on_goroutine(f); }
    SUBCASE("on a plain thread") { f(); }
}

}  // namespace

TEST_CASE("an armed timer fires once, not before its moment [TM3]") {
    both([] {
        counter t;
        int64_t when = rt::after_ns(2'000'000);
        {
            rt::in_runtime scope;
            rt::arm(&t, when);
        }
        CHECK(tests::eventually([&] { return t.calls == 1; }));
        CHECK(t.called_at >= when);
        rt::in_runtime scope;
        CHECK_FALSE(rt::pending(&t));
        CHECK_FALSE(rt::stop(&t));
    });
}

TEST_CASE("a moment that has passed fires at once [TM3]") {
    both([] {
        counter t;
        {
            rt::in_runtime scope;
            rt::arm(&t, 0);
        }
        CHECK(tests::eventually([&] { return t.calls == 1; }));
    });
}

TEST_CASE("stop takes a pending timer out, once [TM6]") {
    both([] {
        counter t;
        rt::in_runtime scope;
        unsigned before = rt::pending_timers();
        rt::arm(&t, rt::after_ns(kHour));
        CHECK(rt::pending(&t));
        CHECK(rt::pending_timers() == before + 1);
        CHECK(rt::stop(&t));
        CHECK(rt::pending_timers() == before);
        CHECK_FALSE(rt::stop(&t));
        CHECK(t.calls == 0);
    });
}

TEST_CASE("reset moves a pending timer and says that it was pending [TM6]") {
    both([] {
        counter t;
        {
            rt::in_runtime scope;
            rt::arm(&t, rt::after_ns(kHour));
            CHECK(rt::reset(&t, rt::after_ns(1'000'000)));
        }
        CHECK(tests::eventually([&] { return t.calls == 1; }));
        rt::in_runtime scope;
        CHECK_FALSE(rt::reset(&t, rt::after_ns(kHour)));
        CHECK(rt::stop(&t));
        CHECK(t.calls == 1);
    });
}

TEST_CASE("an earlier deadline wakes who sleeps until a later one [C13]") {
    counter late, early;
    {
        rt::in_runtime scope;
        rt::arm(&late, rt::after_ns(kHour));
        rt::arm(&early, rt::after_ns(1'000'000));
    }
    CHECK(tests::eventually([&] { return early.calls == 1; }));
    rt::in_runtime scope;
    CHECK(rt::stop(&late));
}

TEST_CASE("sums of moments that do not fit mean for ever, or long ago [TM1]") {
    constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
    CHECK(rt::add_saturated(5, kMost) == rt::kNever);
    CHECK(rt::add_saturated(5, kMost - 5) == kMost);
    CHECK(rt::add_saturated(5, -7) == -2);
    CHECK(rt::add_saturated(-5, std::numeric_limits<int64_t>::min()) == 0);
}
