// SPDX-License-Identifier: BSL-1.0
// Timers under pressure: many goroutines and plain threads arm, stop, reset, wait for and drop timers and contexts of all kinds, at moments
// that a seed decides; every kind keeps books that must balance at the end.
#include <doctest/doctest.h>
#include <gossamer/chan.h>
#include <gossamer/context.h>
#include <gossamer/go.h>
#include <gossamer/runtime.h>
#include <gossamer/select.h>
#include <gossamer/time.h>
#include <gossamer/wait_group.h>

#include <atomic>
#include <chrono>
#include <random>
#include <thread>
#include <vector>

#include "runtime/timer/timer_heap.h"
#include "tests/support/harness.h"

using namespace gossamer;
using namespace std::chrono_literals;

namespace {

constexpr unsigned kSeed = 20261121;
constexpr int kWorkers = 32;
constexpr int kTurns = 300;

using dice = std::minstd_rand;
std::chrono::microseconds soon(dice& random) { return std::chrono::microseconds(random() % 400); }

// One goroutine or thread for each number, and all of them at once.
void crowd(void (*f)(dice&)) {
    wait_group all;
    for (int i = 0; i < kWorkers; i++)
        all.go([=] {
            dice random(kSeed + unsigned(i));
            f(random);
        });
    std::vector<std::jthread> plain;
    for (int i = 0; i < 3; i++)
        plain.emplace_back([=] {
            dice random(kSeed + unsigned(kWorkers + i));
            f(random);
        });
    all.wait();
}

}  // namespace

TEST_CASE("sleeps of a crowd never end early [TM1]") {
    MESSAGE("seed " << kSeed);
    crowd([](dice& random) {
        for (int i = 0; i < kTurns; i++) {
            auto d = soon(random);
            auto start = std::chrono::steady_clock::now();
            sleep(d);
            REQUIRE(std::chrono::steady_clock::now() - start >= d);
        }
    });
}

TEST_CASE("stops, resets and receives of a crowd's timers balance [TM5, TM6]") {
    unsigned before = rt::pending_timers();
    crowd([](dice& random) {
        for (int i = 0; i < kTurns; i++) {
            timer t(soon(random));
            chan<int> received(1);
            chan<unit> quit;
            go([=] {
                int n = 0;
                for (;;) {
                    switch (select(recv(t.c), recv(quit))) {
                        case 0:
                            n++;
                            continue;
                        case 1:
                            received.send(n);
                            return;
                    }
                }
            });
            int given = 1;  // settings that were not taken back
            for (unsigned k = random() % 4; k > 0; k--) {
                if (random() % 2 == 0) sleep(soon(random) / 4);
                given += !t.reset(soon(random));
            }
            if (random() % 2 == 0) sleep(soon(random));
            given -= t.stop();
            quit.close();
            REQUIRE(*received.recv() == given);
        }
    });
    CHECK(tests::eventually([&] { return rt::pending_timers() <= before; }));
}

TEST_CASE("runs and successful stops of a crowd's after_func balance [TM8]") {
    static std::atomic<int> runs, settings, stops;
    crowd([](dice& random) {
        for (int i = 0; i < kTurns; i++) {
            settings++;
            timer t = after_func(soon(random), [] { runs++; });
            if (random() % 2 == 0) {
                sleep(soon(random) / 2);
                stops += t.reset(soon(random));
                settings++;
            }
            if (random() % 3 != 0) stops += t.stop();
        }
    });
    CHECK(tests::eventually([&] { return runs + stops == settings; }));
}

TEST_CASE("tickers of a crowd keep their phases while receivers come and go [TM11, TM12]") {
    crowd([](dice& random) {
        for (int i = 0; i < kTurns / 10; i++) {
            auto period = 50us + soon(random) / 4;
            ticker t(period);
            time_point last = *t.c.recv();
            for (int k = 0; k < 10; k++) {
                if (random() % 3 == 0) sleep(soon(random));
                switch (auto s = select(recv(t.c), recv(after(soon(random)))); s) {
                    case 0: {
                        time_point tick = *s.get<0>();
                        REQUIRE(tick > last);
                        REQUIRE((tick - last) % period == 0ns);
                        last = tick;
                        break;
                    }
                    case 1:
                        break;
                }
            }
        }
    });
}

TEST_CASE("a crowd's trees of contexts end whole, by cancel or by deadline [CX5, CX6, CX11, CX16]") {
    unsigned before = rt::pending_timers();
    static std::atomic<int> runs, stops, registered;
    auto [root, cancel_root] = with_cancel(background());
    static context shared;
    shared = root;
    crowd([](dice& random) {
        for (int i = 0; i < kTurns / 10; i++) {
            cancelable top = with_timeout(shared, soon(random) * 4);
            std::vector<cancelable> nodes{top};
            std::vector<stop_func> registrations;
            for (int k = 0; k < 30; k++) {
                context parent = nodes[random() % nodes.size()].ctx;
                switch (random() % 4) {
                    case 0:
                        nodes.push_back(with_cancel(parent));
                        break;
                    case 1:
                        nodes.push_back(with_timeout(parent, soon(random) * 8));
                        break;
                    case 2:
                        nodes[random() % nodes.size()].cancel();
                        break;
                    case 3:
                        registered++;
                        registrations.push_back(after_func(parent, [] { runs++; }));
                        break;
                }
                if (random() % 8 == 0) {
                    size_t at = random() % nodes.size();
                    nodes[at] = nodes.back();
                    nodes.pop_back();
                    if (nodes.empty()) nodes.push_back(top);
                }
            }
            if (random() % 2 == 0 && !registrations.empty()) stops += registrations[0]();
            if (random() % 2 == 0) {
                top.cancel();
                REQUIRE(top.ctx.err());
            } else {
                top.ctx.done().recv();
            }
            for (const cancelable& c : nodes) c.ctx.done().recv();
        }
    });
    cancel_root();
    shared = context();
    CHECK(tests::eventually([&] { return runs + stops == registered; }));
    CHECK(tests::eventually([&] { return rt::pending_timers() <= before; }));
}
