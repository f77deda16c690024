// SPDX-License-Identifier: BSL-1.0
// Selects under load: the ideas of Go's test/chan/select3.go, select6.go, select7.go, doubleselect.go and of TestSelfSelect,
// TestSelectStress, TestSelectFairness, TestSelectDuplicateChannel in our words.
#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <vector>

#include "gossamer/chan.h"
#include "gossamer/context.h"
#include "gossamer/go.h"
#include "gossamer/select.h"
#include "gossamer/time.h"
#include "tests/lib/chan_peek.h"
#include "tests/support/harness.h"

using namespace gossamer;
using tests::on_goroutine;

namespace {

constexpr std::size_t kOtherwise = 9;

// The number of the case that goes on at once, or kOtherwise.
template <class... Cases>
std::size_t now(Cases&&... cases) {
    auto s = select(cases..., otherwise);
    return s.index() == sizeof...(Cases) ? kOtherwise : s.index();
}

}  // namespace

TEST_CASE("time limits and cancellation are cases like any other [SE15]") {
    tests::on_goroutine([] {
        chan<int> quiet;
        auto [ctx, cancel] = with_cancel(background());
        CHECK((select(recv(quiet), recv(after(std::chrono::milliseconds(1))), recv(ctx.done())) == 1));
        go([cancel = cancel] { cancel(); });
        CHECK((select(recv(quiet), recv(after(std::chrono::hours(1))), recv(ctx.done())) == 2));
    });
}

TEST_CASE("which operations go on at once, and which do not [CH4, CH8, CH11, SE5, SE6]") {
    chan<int> none(nil);
    chan<int> closed;
    closed.close();
    chan<int> unbuffered;
    chan<int> empty(10);
    chan<int> full(1);
    full.send(1);

    CHECK(now(recv(none)) == kOtherwise);
    CHECK(now(send(none, 7)) == kOtherwise);
    CHECK(now(recv(none), send(none, 7)) == kOtherwise);
    CHECK(now(recv(unbuffered)) == kOtherwise);
    CHECK(now(send(unbuffered, 7)) == kOtherwise);
    CHECK(now(recv(unbuffered), send(unbuffered, 7)) == kOtherwise);
    CHECK(now(recv(empty)) == kOtherwise);
    CHECK(now(send(empty, 7)) == 0);
    CHECK(now(recv(empty)) == 0);
    CHECK(now(send(full, 7)) == kOtherwise);
    CHECK(now(recv(full)) == 0);
    CHECK(now(recv(full)) == kOtherwise);
    CHECK(now(recv(closed)) == 0);
    CHECK(now(recv(none), recv(closed), send(unbuffered, 1)) == 1);
}

TEST_CASE("a waiter is not lost behind selects that went elsewhere [SE10]") {
    on_goroutine([] {
        // Two selects wait on c1 and c2; both are woken through c2; then a plain receiver on c1 must be found.
        chan<int> c1;
        chan<int> c2;
        chan<int> c3;
        chan<int> c4;
        go([=] { c1.recv(); });
        REQUIRE(tests::wait_for_receivers(c1, 1));
        go([=] {
            select(recv(c1), recv(c2));
            static_cast<void>(c3.recv());
        });
        REQUIRE(tests::wait_for_receivers(c1, 2));
        go([=] {
            select(recv(c1), recv(c4));
            c4.recv();
        });
        REQUIRE(tests::wait_for_receivers(c1, 3));
        c2.send(1);
        REQUIRE(tests::eventually([&] { return tests::parked_receivers(c3) == 1; }));
        CHECK(tests::parked_receivers(c1) == 2);
        c1.send(1);
        c1.send(2);
        c3.send(3);
        c4.send(4);
        CHECK(tests::parked_receivers(c1) == 0);
    });
}

TEST_CASE("a sending and a receiving select meet in every combination of plain and select [SE9]") {
    on_goroutine([] {
        auto recv1 = [](chan<int> c, chan<int>) { return *c.recv(); };
        auto recv2 = [](chan<int> c, chan<int> quiet) {
            auto s = select(recv(c), recv(quiet));
            return s.index() == 0 ? *s.get<0>() : -1;
        };
        auto recv3 = [](chan<int> c, chan<int> quiet) {
            for (;;) {
                auto s = select(recv(c), recv(quiet), otherwise);
                if (s.index() == 0) return *s.get<0>();
                yield();
            }
        };
        auto send1 = [](chan<int> c, chan<int>, int v) { c.send(v); };
        auto send2 = [](chan<int> c, chan<int> quiet, int v) { select(send(c, v), recv(quiet)); };
        auto send3 = [](chan<int> c, chan<int>, int v) {
            while (select(send(c, v), otherwise).index() == 1) yield();
        };
        auto meet = [](auto receiver, auto sender) {
            chan<int> c;
            chan<int> quiet;
            chan<int> got;
            go([=] { got.send(receiver(c, quiet)); });
            go([=] { sender(c, quiet, 7); });
            CHECK(*got.recv() == 7);
        };
        auto with_each_receiver = [&](auto sender) {
            meet(recv1, sender);
            meet(recv2, sender);
        };
        with_each_receiver(send1);
        with_each_receiver(send2);
        with_each_receiver(send3);
        meet(recv3, send1);
        meet(recv3, send2);
    });
}

TEST_CASE("double select: one send of several in a select is done, never two [SE9]") {
    on_goroutine([] {
        constexpr int kIterations = 20'000;
        chan<int> c1;
        chan<int> c2;
        chan<int> c3;
        chan<int> c4;
        chan<int> merged;
        chan<unit> ended;
        go([=] {
            for (int i = 0; i < kIterations; i++) select(send(c1, i), send(c2, i), send(c3, i), send(c4, i));
            for (const auto& c : {c1, c2, c3, c4}) c.close();
        });
        for (const auto& c : {c1, c2, c3, c4})
            go([=] {
                for (int v : c) merged.send(v);
                ended.send({});
            });
        go([=] {
            for (int i = 0; i < 4; i++) ended.recv();
            merged.close();
        });
        std::vector<int> seen(kIterations);
        for (int v : merged) seen[static_cast<std::size_t>(v)]++;
        CHECK(seen == std::vector<int>(kIterations, 1));
    });
}

TEST_CASE("a select that sends and receives on one channel meets only others [SE8]") {
    on_goroutine([] {
        for (int capacity : {0, 10}) {
            chan<int> c(capacity);
            chan<int> wrong;
            for (int p = 0; p < 2; p++)
                go([=] {
                    int bad = 0;
                    for (int i = 0; i < 1000; i++) {
                        // Each sends its own number; on an unbuffered channel it must never get it back.
                        auto s = select(send(c, p), recv(c));
                        if (s.index() == 1) bad += *s.template get<1>() == p && c.cap() == 0;
                    }
                    wrong.send(bad);
                });
            // The last one may be left alone: help it.
            int ended = 0;
            int bad = 0;
            while (ended < 2) {
                auto s = select(recv(wrong), recv(c), send(c, 5));
                if (s.index() == 0) {
                    bad += *s.get<0>();
                    ended++;
                }
            }
            CHECK(bad == 0);
        }
    });
}

TEST_CASE("select and plain operations on four channels, both directions: everybody ends [SE9, SE10]") {
    on_goroutine([] {
        constexpr int kEach = 5000;
        std::array<chan<int>, 4> c{chan<int>(), chan<int>(), chan<int>(2), chan<int>(3)};
        chan<unit> done;
        for (const auto& each : c) {
            go([=] {
                for (int i = 0; i < kEach; i++) each.send(0);
                done.send({});
            });
            go([=] {
                for (int i = 0; i < kEach; i++) each.recv();
                done.send({});
            });
        }
        go([=] {
            std::array<chan<int>, 4> out = c;
            std::array<int, 4> n{};
            for (int i = 0; i < 4 * kEach; i++) {
                auto s = select(send(out[3], 0), send(out[2], 0), send(out[0], 0), send(out[1], 0));
                std::size_t which = std::array<std::size_t, 4>{3, 2, 0, 1}[s.index()];
                if (++n[which] == kEach) out[which] = nil;
            }
            done.send({});
        });
        go([=] {
            std::array<chan<int>, 4> in = c;
            std::array<int, 4> n{};
            for (int i = 0; i < 4 * kEach; i++) {
                auto s = select(recv(in[0]), recv(in[1]), recv(in[2]), recv(in[3]));
                if (++n[s.index()] == kEach) in[s.index()] = nil;
            }
            done.send({});
        });
        for (int i = 0; i < 10; i++) done.recv();
        for (const auto& each : c) {
            CHECK(tests::parked_receivers(each) == 0);
            CHECK(tests::parked_senders(each) == 0);
        }
    });
}

TEST_CASE("of two parked senders each is heard half of the time [SE2]") {
    on_goroutine([] {
        constexpr int kTrials = 2'000;
        chan<int> a;
        chan<int> b;
        chan<unit> stop;
        chan<unit> done;
        for (const auto& c : {a, b})
            go([=] {
                while (select(send(c, 1), recv(stop)).index() == 0) {
                }
                done.send({});
            });
        int from_a = 0;
        for (int i = 0; i < kTrials; i++) {
            REQUIRE(tests::wait_for_senders(a, 1));
            REQUIRE(tests::wait_for_senders(b, 1));
            from_a += select(recv(a), recv(b)).index() == 0;
        }
        stop.close();
        done.recv();
        done.recv();
        // Within 10 sigma of a half.
        CHECK(from_a > kTrials / 2 - 224);
        CHECK(from_a < kTrials / 2 + 224);
    });
}

TEST_CASE("one channel in two cases of a select: woken once, both cases withdrawn [SE3, SE10]") {
    on_goroutine([] {
        for (int i = 0; i < 100; i++) {
            chan<int> c;
            chan<int> d;
            chan<int> quiet;
            chan<int> got;
            go([=] {
                select(recv(c), recv(quiet), recv(c));
                got.send(*d.recv());
            });
            go([=] { c.send(1); });
            d.send(2);
            CHECK(*got.recv() == 2);
            CHECK(tests::parked_receivers(c) == 0);
        }
    });
}
