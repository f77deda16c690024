// SPDX-License-Identifier: BSL-1.0
#include <doctest/doctest.h>
#include <gossamer/chan.h>
#include <gossamer/go.h>
#include <gossamer/panic.h>
#include <gossamer/runtime.h>
#include <gossamer/select.h>
#include <gossamer/time.h>
#include <gossamer/wait_group.h>

#include <atomic>
#include <chrono>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "runtime/timer/timer_heap.h"
#include "tests/support/both.h"
#include "tests/support/harness.h"
#include "tests/support/panic_of.h"

using namespace gossamer;
using namespace std::chrono_literals;
using tests::both;
using tests::panic_of;

namespace {

time_point now() { return std::chrono::steady_clock::now(); }

// Polls, because nothing announces it: c has a value before the longest wait ends.
bool gives(const recv_chan<time_point>& c) {
    return tests::eventually([&] { return select(recv(c), otherwise) == 0; });
}
bool gives_nothing_now(const recv_chan<time_point>& c) { return select(recv(c), otherwise) == 1; }

// Which case a select took.
int taken(auto&&... cases) { return int(select(std::forward<decltype(cases)>(cases)...)); }

}  // namespace

TEST_CASE("durations of every unit become nanoseconds, rounded up, and for ever when they do not fit [TM1]") {
    using detail::to_ns;
    constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
    constexpr int64_t kLeast = std::numeric_limits<int64_t>::min();
    static_assert(to_ns(2s) == 2'000'000'000);
    static_assert(to_ns(-3us) == -3000);
    static_assert(to_ns(std::chrono::hours::max()) == kMost);
    static_assert(to_ns(std::chrono::hours::min()) == kLeast);
    static_assert(to_ns(std::chrono::duration<int64_t, std::pico>(1)) == 1);
    static_assert(to_ns(std::chrono::duration<int64_t, std::pico>(-1999)) == -1);
    static_assert(to_ns(std::chrono::duration<double>(0.25)) == 250'000'000);
    static_assert(to_ns(std::chrono::duration<double>(1e300)) == kMost);
    static_assert(to_ns(std::chrono::duration<double>(-1e300)) == kLeast);
    static_assert(to_ns(std::chrono::duration<int, std::ratio<1, 30>>(1)) == 33'333'334);
    CHECK(to_ns(std::chrono::duration<double>(std::numeric_limits<double>::quiet_NaN())) == 0);
}

TEST_CASE("sleep lasts at least its duration; none or a negative one returns at once [TM1]") {
    both([] {
        auto start = now();
        sleep(2ms);
        CHECK(now() - start >= 2ms);
        sleep(0s);
        sleep(-5h);
        sleep(std::chrono::hours::min());
    });
}

TEST_CASE("a timer gives its time once, at or after the moment [TM3]") {
    both([] {
        auto start = now();
        timer t(2ms);
        auto [due, ok] = t.c.recv();
        CHECK(ok);
        CHECK(due >= start + 2ms);
        CHECK(now() >= due);
        CHECK(gives_nothing_now(t.c));
    });
}

TEST_CASE("a duration of zero or less fires at once [TM3]") {
    both([] {
        CHECK(taken(recv(timer(0s).c), otherwise) == 0);
        CHECK(taken(recv(after(-1h)), otherwise) == 0);
        CHECK((*after(-1h).recv()) <= now());
    });
}

TEST_CASE("a duration beyond all time never fires and can be stopped [TM1]") {
    both([] {
        timer t(std::chrono::hours::max());
        CHECK(gives_nothing_now(t.c));
        CHECK(t.stop());
    });
}

TEST_CASE("after is a timer's channel [TM3]") {
    tests::on_goroutine([] {
        auto start = now();
        after(1ms).recv();
        CHECK(now() - start >= 1ms);
        switch (select(recv(after(1ms)), recv(after(1h)))) {
            case 0:
                break;
            case 1:
                FAIL("the later one came first");
        }
    });
}

TEST_CASE("a timer's channel is as if unbuffered: len and cap are 0 before and after the moment [TM4]") {
    both([] {
        timer t(1ms);
        CHECK(t.c.len() == 0);
        CHECK(t.c.cap() == 0);
        sleep(2ms);
        CHECK(t.c.len() == 0);
        CHECK(t.c.cap() == 0);
        CHECK(t.stop());
    });
}

TEST_CASE("after stop or reset no value of the old setting comes [TM5]") {
    both([] {
        timer t(1us);
        sleep(1ms);
        t.stop();
        CHECK(gives_nothing_now(t.c));
        t.reset(1us);
        sleep(1ms);
        t.reset(1h);
        CHECK(gives_nothing_now(t.c));
        auto again = now();
        t.reset(1ms);
        CHECK(*t.c.recv() >= again + 1ms);
    });
}

TEST_CASE("stop and reset say whether the timer was pending or its value not yet received [TM6]") {
    both([] {
        timer pending(1h);
        CHECK(pending.stop());
        CHECK_FALSE(pending.stop());
        CHECK_FALSE(pending.reset(1h));
        CHECK(pending.reset(1h));
        CHECK(pending.stop());

        timer expired(1us);
        sleep(1ms);
        CHECK(expired.stop());
        CHECK_FALSE(expired.stop());
        CHECK_FALSE(expired.reset(1us));
        sleep(1ms);
        CHECK(expired.reset(1us));

        timer received(1us);
        received.c.recv();
        CHECK_FALSE(received.stop());
        CHECK_FALSE(received.reset(1h));
    });
}

TEST_CASE("stop against a parked receiver: either stop says yes or the value is received, 3,000 races [TM6]") {
    tests::on_goroutine([] {
        int stopped = 0;
        for (int i = 0; i < 3000; i++) {
            timer t(std::chrono::microseconds(i % 60));
            chan<unit> quit;
            chan<bool> got(1);
            go([=] {
                switch (select(recv(t.c), recv(quit))) {
                    case 0:
                        got.send(true);
                        break;
                    case 1:
                        got.send(false);
                        break;
                }
            });
            if (i % 3 == 0) sleep(std::chrono::microseconds(i % 50));
            if (i % 3 == 1) yield();
            bool prevented = t.stop();
            quit.close();
            bool received = *got.recv();
            // After a stop that says yes nothing comes; a stop that says no means that somebody took the value.
            if (prevented) REQUIRE_FALSE(received);
            if (!prevented) REQUIRE(received);
            stopped += prevented;
        }
        MESSAGE("stopped in time: " << stopped << " of 3000");
    });
}

TEST_CASE("the value is the moment at which the timer was due, however late it is received [TM7]") {
    both([] {
        auto start = now();
        timer t(1ms);
        auto made = now();
        sleep(20ms);
        auto due = *t.c.recv();
        CHECK(due >= start + 1ms);
        CHECK(due <= made + 1ms + 1us);  // a deadline is rounded up by less than this
    });
}

TEST_CASE("several wait for one timer: one gets it, first come first served [TM3, CH6]") {
    tests::on_goroutine([] {
        timer t(5ms);
        chan<int> got;
        chan<unit> quit;
        for (int i = 0; i < 3; i++) {
            chan<unit> started;
            go([=] {
                started.close();
                switch (select(recv(t.c), recv(quit))) {
                    case 0:
                        got.send(i);
                        break;
                    case 1:
                        got.send(-1);
                        break;
                }
            });
            started.recv();
        }
        CHECK(*got.recv() >= 0);
        quit.close();
        CHECK(*got.recv() == -1);
        CHECK(*got.recv() == -1);
        // A reset brings one more value, to one more receiver.
        t.reset(1ms);
        t.c.recv();
    });
}

TEST_CASE("reset moves the moment of those who already wait, to sooner and to later [TM5, TM6]") {
    tests::on_goroutine([] {
        timer t(1h);
        chan<time_point> got;
        chan<unit> started;
        go([=] {
            started.close();
            got.send(*t.c.recv());
        });
        started.recv();
        sleep(1ms);  // likely parked by now; right either way
        auto again = now();
        CHECK(t.reset(3ms));
        CHECK(*got.recv() >= again + 3ms);
    });
}

TEST_CASE("after_func runs its function in a goroutine of its own, or stop prevents it [TM8]") {
    both([] {
        chan<unit> ran;
        timer t = after_func(1ms, [=] { ran.send({}); });  // parks: only a goroutine may
        CHECK(t.c == nil);
        ran.recv();
        CHECK_FALSE(t.stop());

        std::atomic<int> runs{0};
        timer never = after_func(1h, [&] { runs++; });
        CHECK(never.stop());
        CHECK_FALSE(never.stop());
        CHECK(runs == 0);
    });
}

TEST_CASE("after_func runs though every handle is gone, and frees what it holds [TM8, TM13]") {
    both([] {
        auto held = std::make_shared<int>(1);
        chan<unit> ran;
        after_func(1ms, [=] { ran.send({}), static_cast<void>(held); });
        ran.recv();
        CHECK(tests::eventually([&] { return held.use_count() == 1; }));
        {
            timer dropped = after_func(1h, [held] {});
            CHECK(held.use_count() == 2);
            CHECK(dropped.stop());
        }
        CHECK(held.use_count() == 1);
    });
}

TEST_CASE("runs and successful stops of after_func add up, 2,000 races [TM8]") {
    tests::on_goroutine([] {
        std::atomic<int> runs{0};
        int stops = 0;
        for (int i = 0; i < 2000; i++) {
            timer t = after_func(std::chrono::microseconds(i % 40), [&] { runs++; });
            if (i % 2 == 0) sleep(std::chrono::microseconds(i % 30));
            stops += t.stop();
        }
        CHECK(tests::eventually([&] { return runs + stops == 2000; }));
    });
}

TEST_CASE("after_func can be reset from inside its function [TM8]") {
    tests::on_goroutine([] {
        chan<int> runs;
        chan<timer> self(1);
        auto count = std::make_shared<int>(0);
        timer t = after_func(1ms, [=] {
            timer me = *self.recv();
            int n = ++*count;
            if (n < 5) {
                self.send(me);
                me.reset(1ms);
            }
            runs.send(n);
        });
        self.send(t);
        for (int i = 1; i <= 5; i++) CHECK(*runs.recv() == i);
        CHECK_FALSE(t.stop());
    });
}

TEST_CASE("a zero timer or ticker panics in Go's words [TM9, TM10]") {
    CHECK(panic_of([] { timer().stop(); }) == "time: Stop called on uninitialized Timer");
    CHECK(panic_of([] { timer().reset(1s); }) == "time: Reset called on uninitialized Timer");
    CHECK(panic_of([] { ticker().reset(1s); }) == "time: Reset called on uninitialized Ticker");
    CHECK(panic_of([] { ticker(0s); }) == "non-positive interval for NewTicker");
    CHECK(panic_of([] { ticker(-1s); }) == "non-positive interval for NewTicker");
    ticker t(1h);
    CHECK(panic_of([&] { t.reset(0s); }) == "non-positive interval for Ticker.Reset");
    ticker().stop();
    CHECK(tick(0s) == nil);
    CHECK(tick(-1s) == nil);
}

TEST_CASE("a ticker keeps its phase [TM10, TM11]") {
    both([] {
        auto start = now();
        ticker t(2ms);
        auto made = now();
        auto first = *t.c.recv();
        CHECK(first >= start + 2ms);
        CHECK(first <= made + 2ms + 1us);
        for (int i = 0; i < 5; i++) {
            auto next = *t.c.recv();
            CHECK(next > first);
            CHECK((next - first) % 2ms == 0ns);
        }
    });
}

TEST_CASE("a slow receiver gets the oldest missed tick, then those of the old phase that are still to come [TM11]") {
    both([] {
        ticker t(2ms);
        auto first = *t.c.recv();
        auto served = now();
        sleep(11ms);
        // The oldest that was not over when the first was received: later ones were missed.
        auto oldest = *t.c.recv();
        CHECK((oldest - first) % 2ms == 0ns);
        CHECK(oldest > first);
        CHECK(oldest <= served + 2ms);
        auto back = now();
        auto next = *t.c.recv();
        CHECK((next - first) % 2ms == 0ns);
        // At most one tick was kept: the others that passed by are lost.
        CHECK(next > oldest + 8ms);
        CHECK(next > back - 2ms);
    });
}

TEST_CASE("after a ticker's stop no tick comes, and reset starts a new phase [TM12]") {
    both([] {
        ticker t(1ms);
        t.c.recv();
        sleep(2ms);
        t.stop();
        CHECK(gives_nothing_now(t.c));
        sleep(3ms);
        CHECK(gives_nothing_now(t.c));
        auto again = now();
        t.reset(2ms);
        auto first = *t.c.recv();
        CHECK(first >= again + 2ms);
        CHECK((*t.c.recv() - first) % 2ms == 0ns);
    });
}

TEST_CASE("two receivers of one ticker both go on [TM10]") {
    tests::on_goroutine([] {
        ticker t(500us);
        wait_group both_done;
        for (int i = 0; i < 2; i++)
            both_done.go([&t] {
                for (int n = 0; n < 20; n++) t.c.recv();
            });
        both_done.wait();
    });
}

TEST_CASE("a channel timer that nobody waits for is in no heap [TM14]") {
    tests::on_goroutine([] {
        unsigned before = rt::pending_timers();
        timer t(1h);
        ticker k(1h);
        CHECK(rt::pending_timers() == before);
        CHECK(gives_nothing_now(t.c));
        CHECK(rt::pending_timers() == before);
        switch (select(recv(t.c), recv(k.c), recv(after(2ms)))) {
            case 2:
                break;
            default:
                FAIL("an hour has passed");
        }
        CHECK(rt::pending_timers() >= before + 2);
        t.stop();
        k.stop();
        CHECK(tests::eventually([&] { return rt::pending_timers() == before; }));
    });
}

TEST_CASE("timers and tickers need no stop: with the last handle they are gone [TM13]") {
    tests::on_goroutine([] {
        unsigned before = rt::pending_timers();
        for (int i = 0; i < 100; i++) {
            ticker k(1h);
            recv_chan<time_point> c = after(1h);
            CHECK(taken(recv(k.c), recv(c), recv(after(0s))) == 2);
        }
        CHECK(tests::eventually([&] { return rt::pending_timers() == before; }));
    });
}

TEST_CASE("handles dropped while the timer fires are safe, 3,000 races [TM13]") {
    tests::on_goroutine([] {
        chan<unit> other(1);
        for (int i = 0; i < 3000; i++) {
            timer t(std::chrono::microseconds(i % 20));
            other.send({});
            // Arms the timer, and is then decided by the other case or by the time itself.
            chan<unit> late;
            go([=] {
                other.recv();
                late.close();
            });
            switch (select(recv(t.c), recv(late))) {
                case 0:
                    late.recv();
                    break;
                case 1:
                    break;
            }
        }
    });
}

TEST_CASE("copies of a timer are the same timer") {
    timer a(1h);
    timer b = a;
    CHECK(a.c == b.c);
    CHECK(b.stop());
    CHECK_FALSE(a.stop());
    a = timer(1us);
    CHECK(a.c != b.c);
    CHECK(gives(a.c));
    a = *&a;
    ticker k;
    k = ticker(1us);
    CHECK(gives(k.c));
}

TEST_CASE("timers that are due at the same instant fire all, once each and not before it, in whatever order [TM16]") {
    constexpr int kTimers = 500;
    chan<int> fired(kTimers);
    std::atomic<int> early{0};
    auto due = std::chrono::steady_clock::now() + 20ms;
    for (int i = 0; i < kTimers; i++)
        after_func(due - std::chrono::steady_clock::now(), [=, &early] {
            if (std::chrono::steady_clock::now() < due) early++;
            fired.send(i);
        });
    std::vector<int> times(kTimers);
    for (int i = 0; i < kTimers; i++) times[size_t(*fired.recv())]++;
    CHECK(times == std::vector<int>(kTimers, 1));
    CHECK(early == 0);
    CHECK(fired.len() == 0);
}
