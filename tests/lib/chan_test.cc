// SPDX-License-Identifier: BSL-1.0
#include "gossamer/chan.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <iterator>
#include <memory>
#include <ranges>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

#include "gossamer/go.h"
#include "gossamer/panic.h"
#include "gossamer/select.h"
#include "tests/lib/chan_peek.h"
#include "tests/lib/counted.h"
#include "tests/support/panic_of.h"

using namespace gossamer;
using tests::counted;
using tests::on_goroutine;
using tests::panic_of;
using tests::wait_for_receivers;
using tests::wait_for_senders;

namespace {

struct throwing_copy {
    throwing_copy() = default;
    throwing_copy(const throwing_copy& o) : armed(o.armed) {
        if (armed) throw std::runtime_error("copy");
    }
    throwing_copy(throwing_copy&&) noexcept = default;
    throwing_copy& operator=(throwing_copy&&) noexcept = default;
    bool armed = false;
};

template <class C>
concept can_close = requires(C c) {
    c.close();
};
template <class C>
concept can_send = requires(C c) {
    c.send(1);
};
template <class C>
concept can_receive = requires(C c) {
    c.recv();
};

template <std::size_t N>
struct block {
    std::array<unsigned char, N> bytes{};
    friend bool operator==(const block&, const block&) = default;
};

}  // namespace

TEST_CASE("a channel is a handle: copies are the same channel, equality is identity, nil is a value [CH1]") {
    chan<int> a(1);
    chan<int> b = a;
    chan<int> other(1);
    CHECK(a == b);
    CHECK(a != other);
    CHECK(a != nil);
    b.send(7);
    CHECK(*a.recv() == 7);

    chan<int> none(nil);
    CHECK(none == nil);
    CHECK(none == chan<int>(nil));
    b = nil;
    CHECK(b == nil);
    CHECK(a != nil);

    std::unordered_map<chan<int>, int> map;
    map[a] = 1;
    map[other] = 2;
    CHECK(map.at(a) == 1);
    CHECK(map.at(other) == 2);
}

TEST_CASE("a negative or unrepresentable capacity panics, one of values without size is free [CH2]") {
    CHECK(panic_of([] { chan<int> c(-1); }) == "makechan: size out of range");
    CHECK(panic_of([] { chan<unit> c(-1); }) == "makechan: size out of range");
    CHECK(panic_of([] { chan<block<100>> c(PTRDIFF_MAX / 50); }) == "makechan: size out of range");
    chan<unit> huge(std::ptrdiff_t{1} << 40);
    CHECK(huge.cap() == std::size_t{1} << 40);
    for (int i = 0; i < 1000; i++) huge << unit{};
    CHECK(huge.len() == 1000);
    CHECK(huge.recv().ok);
    CHECK(huge.len() == 999);
}

TEST_CASE("the capacity is exactly what was asked for [CH2, CH14, F7]") {
    for (int capacity = 0; capacity < 6; capacity++) {
        chan<int> c(capacity);
        CHECK(c.cap() == static_cast<std::size_t>(capacity));
        CHECK(c.len() == 0);
        int room = 0;
        for (;; room++) {
            auto s = select(send(c, room), otherwise);
            if (s.index() == 1) break;
            CHECK(c.len() == static_cast<std::size_t>(room) + 1);
        }
        CHECK(room == capacity);
    }
}

TEST_CASE("an unbuffered send completes only together with a receive [CH3]") {
    on_goroutine([] {
        chan<int> c;
        chan<unit> sent;
        go([=] {
            c.send(42);
            sent.send({});
        });
        CHECK(wait_for_senders(c, 1));
        CHECK(select(recv(sent), otherwise).index() == 1);
        auto [v, ok] = c.recv();
        CHECK(v == 42);
        CHECK(ok);
        sent.recv();
    });
}

TEST_CASE("an unbuffered receive that waits gets the value straight from the sender [CH3, CH4]") {
    on_goroutine([] {
        for (int capacity : {0, 3}) {
            chan<std::string> c(capacity);
            chan<std::string> got;
            go([=] { got.send(*c.recv()); });
            REQUIRE(wait_for_receivers(c, 1));
            c.send("hello");
            CHECK(c.len() == 0);
            CHECK(*got.recv() == "hello");
        }
    });
}

TEST_CASE("a buffered send blocks only when full, a receive only when empty [CH4]") {
    on_goroutine([] {
        chan<int> c(2);
        c << 1 << 2;
        chan<unit> done;
        go([=] {
            c.send(3);
            done.send({});
        });
        REQUIRE(wait_for_senders(c, 1));
        CHECK(c.len() == 2);
        CHECK(*c.recv() == 1);
        done.recv();
        CHECK(c.len() == 2);
        CHECK(*c.recv() == 2);
        CHECK(*c.recv() == 3);
    });
}

TEST_CASE("a newcomer never overtakes a parked sender [CH5, CH6, F6, F13]") {
    on_goroutine([] {
        for (int capacity : {0, 1, 2, 5}) {
            chan<int> c(capacity);
            int next = 0;
            for (; next < capacity; next++) c.send(next);
            for (int parked = 0; parked < 3; parked++, next++) {
                go([=] { c.send(next); });
                REQUIRE(wait_for_senders(c, static_cast<std::size_t>(parked) + 1));
            }
            for (int i = 0; i < next; i++) CHECK(*c.recv() == i);
            CHECK(c.len() == 0);
        }
    });
}

TEST_CASE("parked receivers are served first come, first served, selects among them [CH6]") {
    on_goroutine([] {
        chan<int> c;
        constexpr int kWaiters = 6;
        std::array<std::atomic<int>, kWaiters> got{};
        chan<unit> done;
        for (int i = 0; i < kWaiters; i++) {
            go([&, i] {
                if (i % 2 == 0) {
                    got[static_cast<std::size_t>(i)] = *c.recv();
                } else {
                    chan<int> quiet;
                    auto s = select(recv(quiet), recv(c));
                    got[static_cast<std::size_t>(i)] = *s.template get<1>();
                }
                done.send({});
            });
            REQUIRE(wait_for_receivers(c, static_cast<std::size_t>(i) + 1));
        }
        for (int i = 0; i < kWaiters; i++) c.send(100 + i);
        for (int i = 0; i < kWaiters; i++) done.recv();
        for (int i = 0; i < kWaiters; i++) CHECK(got[static_cast<std::size_t>(i)] == 100 + i);
    });
}

TEST_CASE("send to and receive from nil block for ever, close of nil panics [CH8]") {
    chan<int> none(nil);
    CHECK(panic_of([&] { none.close(); }) == "close of nil channel");
    CHECK(none.len() == 0);
    CHECK(none.cap() == 0);
    CHECK(select(recv(none), otherwise).index() == 1);
    CHECK(select(send(none, 1), otherwise).index() == 1);

    static std::atomic<int> started, passed;
    started = passed = 0;
    go([=] {
        started++;
        none.send(1);
        passed++;
    });
    go([=] {
        started++;
        static_cast<void>(none.recv());
        passed++;
    });
    go([=] {
        started++;
        for (int v : none) passed += v + 1;
        passed++;
    });
    CHECK(tests::eventually([&] { return started == 3; }));
    tests::leave_behind(3);
    for (int i = 0; i < 1000; i++) yield();
    CHECK(passed == 0);
}

TEST_CASE("close wakes every parked receiver with the zero value and false [CH9, F2]") {
    on_goroutine([] {
        for (int capacity : {0, 2}) {
            chan<int> c(capacity);
            chan<int> done;
            // More than close wakes in one batch.
            constexpr int kWaiters = 600;
            for (int i = 0; i < kWaiters; i++)
                go([=] {
                    auto [v, ok] = c.recv();
                    done.send(v == 0 && !ok ? 1 : 0);
                });
            REQUIRE(wait_for_receivers(c, kWaiters));
            c.close();
            int right = 0;
            for (int i = 0; i < kWaiters; i++) right += *done.recv();
            CHECK(right == kWaiters);
        }
    });
}

TEST_CASE("close makes every parked sender panic, the closer goes on [CH9, CH12, F3]") {
    on_goroutine([] {
        chan<int> c(1);
        c.send(1);
        chan<std::string> done;
        for (int i = 0; i < 5; i++) go([=] { done.send(panic_of([&] { c.send(2); })); });
        REQUIRE(wait_for_senders(c, 5));
        c.close();
        for (int i = 0; i < 5; i++) CHECK(*done.recv() == "send on closed channel");
        // None of their values is delivered.
        auto [v, ok] = c.recv();
        CHECK(v == 1);
        CHECK(ok);
        CHECK(!c.recv().ok);
    });
}

TEST_CASE(
    "send on a closed channel panics, with room and in a select with otherwise too; so does a second close [CH10, "
    "F5]") {
    chan<int> c(4);
    c.close();
    CHECK(panic_of([&] { c.send(1); }) == "send on closed channel");
    CHECK(panic_of([&] { c << 1; }) == "send on closed channel");
    CHECK(panic_of([&] { select(send(c, 1), otherwise); }) == "send on closed channel");
    CHECK(panic_of([&] { c.close(); }) == "close of closed channel");
    CHECK(c.len() == 0);
}

TEST_CASE("values sent before close stay receivable in order, then zero and false for ever [CH11, F4]") {
    chan<int> c(3);
    c << 1 << 2 << 3;
    c.close();
    for (int i = 1; i <= 3; i++) {
        auto [v, ok] = c.recv();
        CHECK(v == i);
        CHECK(ok);
    }
    for (int i = 0; i < 3; i++) {
        auto [v, ok] = c.recv();
        CHECK(v == 0);
        CHECK(!ok);
    }
}

TEST_CASE("a sender whose value was taken succeeds though the channel is closed before it runs again [CH12, F1]") {
    on_goroutine([] {
        for (int turn = 0; turn < 200; turn++) {
            chan<int> c;
            chan<std::string> outcome(1);
            go([=] { outcome.send(panic_of([&] { c.send(9); })); });
            REQUIRE(wait_for_senders(c, 1));
            CHECK(*c.recv() == 9);
            c.close();
            CHECK(*outcome.recv() == "no panic");
        }
    });
}

TEST_CASE("a receive on a closed channel overwrites its destination with the zero value [CH13, F4]") {
    chan<std::string> c;
    c.close();
    std::string s = "old";
    bool ok = true;
    select(recv(c, s, ok));
    CHECK(s.empty());
    CHECK(!ok);
    s = "old";
    switch (select(recv(c, s), otherwise)) {
        case 0:
            break;
        case 1:
            FAIL("a closed channel is ready");
    }
    CHECK(s.empty());
}

TEST_CASE("len counts buffered values and not parked senders [CH14]") {
    on_goroutine([] {
        chan<int> c(2);
        chan<int> plain;
        c << 1 << 2;
        go([=] { c.send(3); });
        go([=] { plain.send(3); });
        REQUIRE(wait_for_senders(c, 1));
        REQUIRE(wait_for_senders(plain, 1));
        CHECK(c.len() == 2);
        CHECK(plain.len() == 0);
        CHECK(plain.cap() == 0);
        for (int i = 0; i < 3; i++) c.recv();
        plain.recv();
    });
}

TEST_CASE("range receives until the channel is closed and drained [CH15]") {
    on_goroutine([] {
        chan<int> c(2);
        go([=] {
            for (int i = 1; i <= 100; i++) c << i;
            c.close();
        });
        int sum = 0;
        for (auto& v : c) sum += v;
        CHECK(sum == 5050);

        static_assert(std::ranges::input_range<chan<int>>);
        static_assert(std::ranges::input_range<recv_chan<std::unique_ptr<int>>>);
        chan<int> d(3);
        d << 1 << 2 << 3;
        d.close();
        std::vector<int> doubled;
        std::ranges::transform(d, std::back_inserter(doubled), [](int x) { return 2 * x; });
        CHECK(doubled == std::vector<int>{2, 4, 6});
    });
}

TEST_CASE("the two ends convert from a channel, never back, and a receive-only end cannot close [CH16]") {
    chan<int> c(1);
    send_chan<int> in = c;
    recv_chan<int> out = c;
    in.send(5);
    CHECK(out.len() == 1);
    CHECK(in.cap() == 1);
    CHECK(*out.recv() == 5);
    in.close();
    CHECK(!out.recv().ok);
    CHECK(in == out);

    static_assert(!std::is_constructible_v<chan<int>, send_chan<int>>);
    static_assert(!std::is_constructible_v<chan<int>, recv_chan<int>>);
    static_assert(!std::is_constructible_v<send_chan<int>, recv_chan<int>>);
    static_assert(!std::is_constructible_v<recv_chan<long>, chan<int>>);
    static_assert(can_close<chan<int>> && can_close<send_chan<int>> && !can_close<recv_chan<int>>);
    static_assert(can_send<chan<int>> && can_send<send_chan<int>> && !can_send<recv_chan<int>>);
    static_assert(can_receive<chan<int>> && !can_receive<send_chan<int>> && can_receive<recv_chan<int>>);
}

TEST_CASE("a received slot is given up at once, not when it is written again [CH18]") {
    chan<std::shared_ptr<int>> c(4);
    auto p = std::make_shared<int>(1);
    c.send(p);
    CHECK(p.use_count() == 2);
    c.recv();
    CHECK(p.use_count() == 1);
}

TEST_CASE("what is left in the buffer is destroyed with the last handle; dropping handles closes nothing [CH19]") {
    counted::live = 0;
    {
        chan<counted> c(3);
        c.send(counted(1));
        c.send(counted(2));
        CHECK(counted::live == 2);
        CHECK((*c.recv()).value == 1);
        chan<counted> copy = c;
        c = nil;
        CHECK(counted::live == 1);
        CHECK(copy.len() == 1);
    }
    CHECK(counted::live == 0);

    on_goroutine([] {
        chan<int> answer;
        {
            chan<int> c;
            go([=] { answer.send(*c.recv()); });
            REQUIRE(wait_for_receivers(c, 1));
            go([c] { c.send(3); });
        }
        CHECK(*answer.recv() == 3);
    });
}

TEST_CASE("the woken may drop the last handle while the closer is still inside [CH19]") {
    on_goroutine([] {
        struct job {
            chan<unit> done;
        };
        for (int turn = 0; turn < 300; turn++) {
            auto* j = new job;
            go([j] { j->done.close(); });
            static_cast<void>(j->done.recv());
            delete j;
        }
    });
}

TEST_CASE("the value is copied before the sender blocks; later changes are not seen [CH22]") {
    on_goroutine([] {
        chan<std::string> c;
        chan<int> numbers;
        chan<unit> changed;
        std::string text = "before";
        int number = 1;
        go([&] {
            c.send(text);
            numbers.send(number);
        });
        REQUIRE(wait_for_senders(c, 1));
        text = "after";
        CHECK(*c.recv() == "before");
        REQUIRE(wait_for_senders(numbers, 1));
        number = 2;
        CHECK(*numbers.recv() == 1);
    });
}

TEST_CASE("a copy constructor that throws leaves the channel as it was [CH22]") {
    chan<throwing_copy> c(1);
    throwing_copy v;
    v.armed = true;
    CHECK_THROWS_AS(c.send(v), std::runtime_error);
    CHECK(c.len() == 0);
    v.armed = false;
    c.send(v);
    CHECK(c.len() == 1);
    CHECK(c.recv().ok);
}

TEST_CASE("plain threads and goroutines meet in one channel, each blocking in its own way") {
    chan<int> to_thread;
    chan<int> to_goroutine;
    std::thread thread([=] {
        for (int v : to_thread) to_goroutine.send(v + 1);
        to_goroutine.close();
    });
    on_goroutine([=] {
        for (int i = 0; i < 200; i++) {
            to_thread.send(i);
            CHECK(*to_goroutine.recv() == i + 1);
        }
        to_thread.close();
        CHECK(!to_goroutine.recv().ok);
    });
    thread.join();
}

TEST_CASE("two plain threads talk without any goroutine") {
    chan<int> c;
    std::thread thread([=] {
        for (int i = 0; i < 500; i++) c.send(i);
        c.close();
    });
    int next = 0;
    for (int v : c) CHECK(v == next++);
    CHECK(next == 500);
    thread.join();
}

TEST_CASE("the k-th send happens before the k-th receive completes, close before the receive that it ends [MM3, MM4]") {
    on_goroutine([] {
        chan<unit> c(10);
        int plain = 0;
        go([&, c] {
            plain = 1;
            c.send({});
        });
        c.recv();
        CHECK(plain == 1);

        chan<unit> closed;
        go([&, closed] {
            plain = 2;
            closed.close();
        });
        static_cast<void>(closed.recv());
        CHECK(plain == 2);
    });
}

TEST_CASE("an unbuffered receive happens before its send completes; a buffer of C is a semaphore of C [MM5]") {
    on_goroutine([] {
        chan<unit> c;
        int plain = 0;
        go([&, c] {
            plain = 1;
            c.recv();
        });
        c.send({});
        CHECK(plain == 1);

        constexpr int kPermits = 3;
        chan<unit> permits(kPermits);
        chan<unit> done;
        std::atomic<int> inside{0};
        std::atomic<int> most{0};
        for (int i = 0; i < 50; i++)
            go([&, permits, done] {
                permits.send({});
                int now = ++inside;
                int seen = most;
                while (now > seen && !most.compare_exchange_weak(seen, now)) {
                }
                yield();
                inside--;
                permits.recv();
                done.send({});
            });
        for (int i = 0; i < 50; i++) done.recv();
        CHECK(most <= kPermits);
    });
}
