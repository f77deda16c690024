// SPDX-License-Identifier: BSL-1.0
#include "gossamer/select.h"

#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <cmath>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "gossamer/go.h"
#include "gossamer/panic.h"
#include "tests/lib/chan_peek.h"
#include "tests/support/panic_of.h"

using namespace gossamer;
using tests::on_goroutine;
using tests::panic_of;
using tests::parked_receivers;
using tests::parked_senders;
using tests::wait_for_receivers;
using tests::wait_for_senders;

namespace {

// Go's own gate: within 10 sigma of a fair draw.
bool fair(int picks, int trials, double share) {
    double sigma = std::sqrt(trials * share * (1 - share));
    return std::abs(picks - trials * share) < 10 * sigma;
}

chan<int> filled(int n, int value) {
    chan<int> c(n);
    for (int i = 0; i < n; i++) c.send(value);
    return c;
}

}  // namespace

TEST_CASE("the switch form: values by number, break leaves the select only [SE14]") {
    chan<int> a(1);
    chan<std::string> b(1);
    chan<int> out(1);
    std::vector<std::string> seen;
    for (int turn = 0; turn < 4; turn++) {
        if (turn == 0) a.send(5);
        if (turn == 1) b.send("x");
        chan<int> sink = turn == 2 ? out : chan<int>(nil);
        switch (auto s = select(recv(a), recv(b), send(sink, 9), otherwise); s) {
            case 0: {
                auto [v, ok] = s.get<0>();
                seen.push_back("a" + std::to_string(v) + (ok ? "+" : "-"));
                break;
            }
            case 1:
                seen.push_back("b" + *s.get<1>());
                continue;
            case 2:
                seen.push_back("sent");
                break;
            case 3:
                seen.push_back("idle");
                break;
        }
    }
    CHECK(seen == std::vector<std::string>{"a5+", "bx", "sent", "idle"});
    CHECK(*out.recv() == 9);
}

TEST_CASE("the form into variables") {
    chan<int> a(1);
    chan<std::string> b(1);
    long x = 0;
    std::string y;
    bool ok = false;
    a.send(3);
    switch (select(recv(a, x), recv(b, y, ok))) {
        case 0:
            break;
        case 1:
            FAIL("b is empty");
    }
    CHECK(x == 3);
    b.send("word");
    switch (select(recv(a, x), recv(b, y, ok))) {
        case 0:
            FAIL("a is empty");
        case 1:
            break;
    }
    CHECK(y == "word");
    CHECK(ok);
}

TEST_CASE("the handler form") {
    chan<int> a(1);
    chan<int> out(1);
    std::string log;
    auto turn = [&] {
        select(on(a, [&](int v, bool ok) { log += "a" + std::to_string(v) + (ok ? "+" : "-"); }),
               to(out, 7, [&] { log += "s"; }), otherwise([&] { log += "o"; }));
    };
    turn();
    turn();
    a.send(1);
    turn();
    a.close();
    turn();
    CHECK(log == "soa1+a0-");
    chan<std::unique_ptr<int>> p(1);
    p.send(std::make_unique<int>(4));
    select(on(p, [&](std::unique_ptr<int> v) { log = std::to_string(*v); }));
    CHECK(log == "4");
    select(on(a, [&] { log = "closed"; }));
    CHECK(log == "closed");
}

TEST_CASE("the named form") {
    chan<int> jobs(1);
    chan<unit> quit(1);
    auto turn = [&] {
        switch (auto s = select(recv<"job">(jobs), recv<"quit">(quit)); s) {
            case s.is<"job">():
                return *s.get<"job">();
            case s.is<"quit">():
                return -1;
        }
        return -2;
    };
    jobs.send(8);
    CHECK(turn() == 8);
    quit.send({});
    CHECK(turn() == -1);
}

TEST_CASE("get of a case that was not chosen panics") {
    chan<int> a(1);
    chan<int> b(1);
    a.send(1);
    auto s = select(recv(a), recv(b));
    CHECK(panic_of([&] { static_cast<void>(s.get<1>()); }) == "select: get of a case that was not chosen");
    CHECK(*s.get<0>() == 1);
}

TEST_CASE("operands of all cases are evaluated once, chosen or not; the variable of a receive only after it [SE1]") {
    int channels = 0;
    int values = 0;
    chan<int> a(1);
    chan<int> none(nil);
    a.send(1);
    auto channel = [&](const chan<int>& c) {
        channels++;
        return c;
    };
    auto value = [&](int v) {
        values++;
        return v;
    };
    std::string x = "untouched";
    chan<std::string> strings;
    auto s = select(recv(channel(a)), send(channel(none), value(1)), send(channel(none), value(2)), recv(strings, x));
    CHECK(s.index() == 0);
    CHECK(channels == 3);
    CHECK(values == 2);
    CHECK(x == "untouched");
}

TEST_CASE("among ready cases the choice is uniform [SE2, F9]") {
    constexpr int kTrials = 10'000;
    chan<int> a = filled(1, 0);
    chan<int> b = filled(1, 1);
    int picks = 0;
    for (int i = 0; i < kTrials; i++) switch (auto s = select(recv(a), recv(b)); s) {
            case 0:
                picks++;
                a.send(0);
                break;
            case 1:
                b.send(1);
                break;
        }
    CHECK(fair(picks, kTrials, 0.5));
    // A send and a receive, three cases, some never ready.
    chan<int> room(1);
    std::array<int, 5> of{};
    for (int i = 0; i < kTrials; i++) {
        auto s = select(recv(chan<int>(nil)), recv(a), send(room, 1), recv(b), otherwise);
        of[s.index()]++;
        switch (s) {
            case 0:
                break;
            case 1:
                a.send(0);
                break;
            case 2:
                room.recv();
                break;
            case 3:
                b.send(1);
                break;
            case 4:
                break;
        }
    }
    CHECK(of[0] == 0);
    CHECK(of[4] == 0);
    for (int i : {1, 2, 3}) CHECK(fair(of[static_cast<std::size_t>(i)], kTrials, 1.0 / 3));
}

TEST_CASE("each case counts: a channel listed three times gets three quarters [SE3]") {
    constexpr int kTrials = 10'000;
    chan<int> a = filled(1, 0);
    chan<int> b = filled(1, 1);
    int picks = 0;
    for (int i = 0; i < kTrials; i++) {
        auto s = select(recv(a), recv(a), recv(b), recv(a));
        if (s.index() == 2) {
            picks++;
            b.send(1);
        } else {
            a.send(0);
        }
    }
    CHECK(fair(picks, kTrials, 0.25));
}

TEST_CASE("a token that is always in one of two channels is always found: otherwise is atomic [SE4, F12]") {
    on_goroutine([] {
        chan<int> a(2);
        chan<int> b(2);
        std::atomic<bool> stop{false};
        chan<unit> done;
        a.send(1);
        go([&, a, b] {
            // The token is put in the other channel before it is taken out of the one.
            for (bool in_a = true; !stop; in_a = !in_a) {
                (in_a ? b : a).send(1);
                static_cast<void>((in_a ? a : b).recv());
                yield();
            }
            done.send({});
        });
        int missed = 0;
        for (int i = 0; i < 100'000; i++) {
            if (i % 64 == 0) yield();
            auto s = select(recv(a), recv(b), otherwise);
            if (s.index() == 2)
                missed++;
            else
                (s.index() == 0 ? a : b).send(1);
        }
        CHECK(missed == 0);
        stop = true;
        // The mover may be waiting for a token that this goroutine never holds back; there is one in each at most.
        done.recv();
    });
}

TEST_CASE("what another thread has finished is seen by a look without the lock [CH17]") {
    // Each sends, then tries to receive what the other sent: at least one must find something.
    on_goroutine([] {
        constexpr int kTurns = 20'000;
        std::array<chan<int>, 2> c{chan<int>(1), chan<int>(1)};
        std::array<std::atomic<bool>, 2> found{};
        std::atomic<int> arrived{0};
        int neither = 0;
        auto meet = [&arrived](int all) {
            arrived++;
            for (int spin = 0; arrived < all; spin++)
                if (spin > 100) yield();
        };
        auto side = [&](std::size_t me) {
            for (int turn = 0; turn < kTurns; turn++) {
                meet(4 * turn + 2);
                c[me].send(1);
                found[me] = select(recv(c[1 - me]), otherwise).index() == 0;
                meet(4 * turn + 4);
                if (me == 0) {
                    neither += !found[0] && !found[1];
                    for (const auto& each : c) select(recv(each), otherwise);
                }
            }
        };
        chan<unit> done;
        go([&] {
            side(1);
            done.send({});
        });
        side(0);
        done.recv();
        CHECK(neither == 0);
    });
}

TEST_CASE("nil cases are never ready; all nil and no cases at all block for ever [SE5, F10]") {
    chan<int> none(nil);
    chan<int> a(1);
    a.send(1);
    CHECK(select(recv(none), recv(a), send(none, 1)).index() == 1);
    CHECK(select(recv(none), send(none, 1), otherwise).index() == 2);
    CHECK(select(otherwise).index() == 0);

    static std::atomic<int> started, passed;
    started = passed = 0;
    go([=] {
        started++;
        select(recv(none), send(none, 1));
        passed++;
    });
    go([] {
        started++;
        select();
    });
    go([=] {
        started++;
        select(recv(none));
        passed++;
    });
    CHECK(tests::eventually([] { return started == 3; }));
    tests::leave_behind(3);
    for (int i = 0; i < 1000; i++) yield();
    CHECK(passed == 0);
}

TEST_CASE("a receive from a closed channel is always ready, a send to one is ready and panics when chosen [SE6, F11]") {
    constexpr int kTrials = 10'000;
    chan<int> closed;
    closed.close();
    chan<int> quiet;
    for (int i = 0; i < 100; i++) {
        auto s = select(recv(quiet), recv(closed));
        REQUIRE(s.index() == 1);
        CHECK(!s.get<1>().ok);
    }
    CHECK(panic_of([&] { select(send(closed, 1), recv(quiet), otherwise); }) == "send on closed channel");

    chan<int> a = filled(1, 0);
    int panics = 0;
    for (int i = 0; i < kTrials; i++) {
        try {
            select(send(closed, 1), recv(a));
            a.send(0);
        } catch (const panic&) {
            panics++;
        }
    }
    CHECK(fair(panics, kTrials, 0.5));
}

TEST_CASE(
    "a parked select with a send case panics when that channel is closed, with a receive case it gets zero [SE7]") {
    on_goroutine([] {
        chan<int> a;
        chan<int> b;
        chan<std::string> outcome;
        go([=] { outcome.send(panic_of([&] { select(send(a, 1), recv(b)); })); });
        REQUIRE(wait_for_senders(a, 1));
        a.close();
        CHECK(*outcome.recv() == "send on closed channel");
        CHECK(parked_receivers(b) == 0);

        go([=] {
            chan<int> c;
            auto s = select(recv(b), send(c, 1));
            outcome.send(s.index() == 0 && !s.get<0>().ok ? "zero" : "wrong");
        });
        REQUIRE(wait_for_receivers(b, 1));
        b.close();
        CHECK(*outcome.recv() == "zero");
    });
}

TEST_CASE("send and receive on one channel in one select never pair with each other [SE8]") {
    on_goroutine([] {
        chan<int> c;
        CHECK(select(send(c, 1), recv(c), otherwise).index() == 2);
        chan<std::size_t> chosen;
        go([=] { chosen.send(select(send(c, 1), recv(c)).index()); });
        REQUIRE(wait_for_receivers(c, 1));
        CHECK(parked_senders(c) == 1);
        CHECK(*c.recv() == 1);
        CHECK(*chosen.recv() == 0);
        CHECK(parked_receivers(c) == 0);
        CHECK(parked_senders(c) == 0);
    });
}

TEST_CASE("two selects satisfy each other, and each takes exactly one case [SE9]") {
    on_goroutine([] {
        for (int turn = 0; turn < 500; turn++) {
            chan<int> a;
            chan<int> b;
            chan<int> result(2);
            go([=] {
                auto s = select(send(a, 1), recv(b));
                result.send(s.index() == 0 ? 1 : 10 + *s.get<1>());
            });
            auto s = select(recv(a), send(b, 2));
            int here = s.index() == 0 ? *s.get<0>() : 12;
            CHECK(here == *result.recv());
        }
    });
}

TEST_CASE("losing cases leave no trace [SE10]") {
    on_goroutine([] {
        chan<int> quiet;
        chan<int> other;
        chan<int> busy;
        go([=] {
            for (int i = 0; i < 5000; i++) busy.send(i);
            busy.close();
        });
        int n = 0;
        for (;;) {
            auto s = select(recv(quiet), send(other, 1), recv(busy));
            if (!s.get<2>().ok) break;
            n++;
        }
        CHECK(n == 5000);
        CHECK(parked_receivers(quiet) == 0);
        CHECK(parked_senders(other) == 0);
        CHECK(parked_receivers(busy) == 0);
        // And a later waiter is not lost behind them.
        chan<int> got;
        go([=] { got.send(*quiet.recv()); });
        REQUIRE(wait_for_receivers(quiet, 1));
        quiet.send(5);
        CHECK(*got.recv() == 5);
    });
}

TEST_CASE("a receive prefers buffered values over closed, a send says closed before room [SE12]") {
    chan<int> c(2);
    c << 1;
    c.close();
    auto s = select(recv(c), otherwise);
    auto [v, ok] = s.get<0>();
    CHECK(v == 1);
    CHECK(ok);
    CHECK(panic_of([&] { select(send(c, 1), recv(chan<int>(nil))); }) == "send on closed channel");
}

TEST_CASE("one case alone is the plain operation, with otherwise its non-blocking form [SE13]") {
    on_goroutine([] {
        chan<int> c;
        chan<int> got;
        go([=] { got.send(*select(recv(c)).get<0>()); });
        REQUIRE(wait_for_receivers(c, 1));
        CHECK(select(send(c, 4), otherwise).index() == 0);
        CHECK(*got.recv() == 4);
        go([=] { select(send(c, 6)); });
        REQUIRE(wait_for_senders(c, 1));
        auto s = select(recv(c), otherwise);
        REQUIRE(s.index() == 0);
        CHECK(*s.get<0>() == 6);
    });
}

TEST_CASE("select_in_order takes the first ready case, always") {
    chan<int> a = filled(1, 0);
    chan<int> b = filled(1, 1);
    for (int i = 0; i < 1000; i++) {
        auto s = select_in_order(recv(chan<int>(nil)), recv(a), recv(b));
        REQUIRE(s.index() == 1);
        a.send(0);
    }
    a.recv();
    CHECK(select_in_order(recv(a), recv(b)).index() == 1);
    CHECK(select_in_order(recv(a), recv(b), otherwise).index() == 2);
    std::string log;
    b.send(1);
    select_in_order(on(a, [&] { log += "a"; }), on(b, [&](int v) { log += "b" + std::to_string(v); }));
    CHECK(log == "b1");
}

TEST_CASE("a select waits in many cases and is woken through any of them") {
    on_goroutine([] {
        constexpr int kCases = 12;
        std::array<chan<int>, kCases> c;
        for (int turn = 0; turn < 3 * kCases; turn++) {
            chan<int> got;
            go([=] {
                auto s = select(recv(c[0]), recv(c[1]), recv(c[2]), recv(c[3]), recv(c[4]), recv(c[5]), recv(c[6]),
                                recv(c[7]), recv(c[8]), recv(c[9]), recv(c[10]), recv(c[11]));
                got.send(static_cast<int>(s.index()));
            });
            auto which = static_cast<std::size_t>(turn % kCases);
            REQUIRE(wait_for_receivers(c[which], 1));
            c[which].send(turn);
            CHECK(*got.recv() == turn % kCases);
        }
        for (auto& each : c) CHECK(parked_receivers(each) == 0);
    });
}

TEST_CASE("move-only values go through select, received and not received") {
    chan<std::unique_ptr<int>> c(1);
    switch (auto s = select(send(c, std::make_unique<int>(3)), recv(c)); s) {
        case 0:
            break;
        case 1:
            FAIL("empty");
    }
    {
        auto not_read = select(recv(c));
        CHECK(not_read.index() == 0);
    }
    c.send(std::make_unique<int>(4));
    auto s = select(recv(c), otherwise);
    CHECK(**s.get<0>() == 4);
}

TEST_CASE("select_any takes a set that is made at run time [SE13]") {
    constexpr std::size_t kChannels = 300;
    std::vector<chan<int>> channels;
    std::vector<select_case> cases;
    for (std::size_t i = 0; i < kChannels; i++) {
        channels.emplace_back(1);
        cases.emplace_back(recv(channels.back()));
    }
    for (std::size_t i : {std::size_t{7}, std::size_t{299}, std::size_t{0}}) {
        channels[i].send(static_cast<int>(i) * 2);
        CHECK(select_any(cases) == i);
        CHECK(*cases[i].get<int>() == static_cast<int>(i) * 2);
        CHECK(panic_of([&] { cases[i].get<int>(); }) == "select: get of a case that was not chosen");
    }
    cases.emplace_back(otherwise);
    CHECK(select_any(cases) == kChannels);

    std::string x;
    bool ok = false;
    chan<std::string> words(1);
    chan<std::string> sink(2);
    std::vector<select_case> mixed;
    mixed.emplace_back(recv(words, x, ok));
    mixed.emplace_back(send(sink, "again"));
    // The value is sent anew each time.
    CHECK(select_any(mixed) == 1);
    CHECK(select_any(mixed) == 1);
    words.send("word");
    CHECK(select_any(mixed) == 0);
    CHECK(x == "word");
    CHECK(ok);
    CHECK(*sink.recv() == "again");
    CHECK(*sink.recv() == "again");

    mixed.emplace_back(otherwise);
    mixed.emplace_back(otherwise);
    CHECK(panic_of([&] { select_any(mixed); }) == "select_any: more than one otherwise");
}

TEST_CASE("select_any parks in many channels and keeps them alive") {
    on_goroutine([] {
        std::vector<select_case> cases;
        chan<int> kept;
        for (int i = 0; i < 200; i++) {
            chan<int> c;
            if (i == 150) kept = c;
            cases.emplace_back(recv(c));
        }
        go([kept] { kept.send(11); });
        CHECK(select_any(cases) == 150);
        CHECK(*cases[150].get<int>() == 11);
        CHECK(parked_receivers(kept) == 0);
    });
}

TEST_CASE("a plain thread selects as a goroutine does") {
    chan<int> a;
    chan<int> b;
    chan<unit> quit;
    std::thread thread([=] {
        for (;;) {
            auto s = select(recv(a), recv(quit));
            if (s.index() == 1) return;
            b.send(*s.get<0>() + 1);
        }
    });
    on_goroutine([=] {
        for (int i = 0; i < 100; i++) {
            a.send(i);
            CHECK(*b.recv() == i + 1);
        }
        quit.close();
    });
    thread.join();
}
