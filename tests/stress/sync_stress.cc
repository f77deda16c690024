// SPDX-License-Identifier: BSL-1.0
// sync_stress: goroutines and plain threads use a few objects of every kind in a random order, sometimes giving way inside; what each
// object promises is checked at every step, and that nobody is left asleep at the end.
#include <doctest/doctest.h>

#include <chrono>
#include <cstdlib>
#include <mutex>
#include <random>
#include <shared_mutex>
#include <thread>
#include <vector>

#include "gossamer/cond.h"
#include "gossamer/mutex.h"
#include "gossamer/rw_mutex.h"
#include "gossamer/scope.h"
#include "gossamer/semaphore.h"
#include "gossamer/wait_group.h"
#include "tests/support/harness.h"

using namespace gossamer;

namespace {

constexpr int kObjects = 3;
constexpr int kTokens = 5;
constexpr int kGoroutines = 24;
constexpr int kThreads = 2;
constexpr auto kLength = std::chrono::milliseconds(1'500);

struct guarded {
    mutex m;
    rw_mutex rw;
    semaphore tokens{kTokens};
    // What is inside now.
    std::atomic<int> owners{0}, readers{0}, writers{0}, taken{0};
    long plain = 0;     // under m
    long rw_plain = 0;  // under rw
    std::atomic<long> locks{0}, writes{0};
};

struct world {
    guarded all[kObjects];
    std::atomic<int> broken{0};
    std::atomic<bool> stop{false};
    unsigned seed = 0;
};

void maybe_pause(std::minstd_rand& random) {
    unsigned roll = random() % 64;
    if (roll == 0) yield();
    if (roll == 1)
        for (auto end = std::chrono::steady_clock::now() + std::chrono::microseconds(200);
             std::chrono::steady_clock::now() < end;) {
        }
}

void inside_mutex(world& w, guarded& o, std::minstd_rand& random) {
    if (o.owners++ != 0) w.broken++;
    o.plain++;
    maybe_pause(random);
    o.locks++;
    o.owners--;
}

void work(world& w, unsigned number) {
    std::minstd_rand random(w.seed + number);
    while (!w.stop.load()) {
        guarded& o = w.all[random() % kObjects];
        switch (random() % 8) {
            case 0:
            case 1: {
                std::lock_guard hold(o.m);
                inside_mutex(w, o, random);
                break;
            }
            case 2: {
                std::unique_lock hold(o.m, std::try_to_lock);
                if (hold) inside_mutex(w, o, random);
                break;
            }
            case 3:
            case 4: {
                std::shared_lock hold(o.rw);
                o.readers++;
                if (o.writers.load() != 0) w.broken++;
                maybe_pause(random);
                o.readers--;
                break;
            }
            case 5: {
                std::unique_lock hold(o.rw, std::defer_lock);
                if (random() % 4 == 0) {
                    if (!hold.try_lock()) break;
                } else {
                    hold.lock();
                }
                if (o.writers++ != 0 || o.readers.load() != 0) w.broken++;
                o.rw_plain++;
                maybe_pause(random);
                o.writes++;
                o.writers--;
                break;
            }
            case 6: {
                int n = int(random() % kTokens) + 1;
                o.tokens.acquire(n);
                if ((o.taken += n) > kTokens) w.broken++;
                maybe_pause(random);
                o.taken -= n;
                o.tokens.release(n);
                break;
            }
            case 7: {
                wait_group group, others;
                std::atomic<int> ran{0}, saw_less{0};
                int n = int(random() % 4), waiters = int(random() % 3), expected = 0;
                for (int round = 0; round < 2; round++) {  // the second uses the same group again
                    expected += n;
                    for (int i = 0; i < n; i++) group.go([&] { ran++; });
                    for (int i = 0; i < waiters; i++)
                        others.go([&] {
                            group.wait();
                            if (ran.load() != expected) saw_less++;
                        });
                    group.wait();
                    if (ran.load() != expected) w.broken++;
                    others.wait();
                }
                w.broken += saw_less.load();
                break;
            }
        }
    }
}

// Passes numbers round a ring of conditions under one mutex: each must see each number in its turn.
void ring_of_conditions(std::atomic<bool>& stop, std::atomic<int>& broken) {
    constexpr int kPlaces = 4;
    mutex m;
    cond moved(m);
    int turn = 0;
    long last = 0;
    bool ended = false;
    scope s;
    for (int place = 0; place < kPlaces; place++)
        s.go([&, place] {
            std::lock_guard hold(m);
            for (long mine = place;; mine += kPlaces) {
                moved.wait([&] { return turn == place || ended; });
                if (ended) return;
                if (last != mine) broken++;
                last++;
                turn = (turn + 1) % kPlaces;
                if (stop.load()) ended = true;
                moved.broadcast();
            }
        });
}

}  // namespace

TEST_CASE(
    "all kinds of locks keep their promises under a random load and leave nobody asleep [MU1] [RW1] [SM1] [WG1] "
    "[CO1]") {
    world w;
    const char* given = std::getenv("GOSSAMER_TEST_SEED");
    w.seed = given != nullptr ? unsigned(std::strtoul(given, nullptr, 10))
                              : unsigned(std::chrono::steady_clock::now().time_since_epoch().count());
    INFO("seed " << w.seed);
    {
        scope s;
        for (int i = 0; i < kGoroutines; i++) s.go([&w, i] { work(w, unsigned(i)); });
        s.go([&w] { ring_of_conditions(w.stop, w.broken); });
        std::vector<std::thread> threads;
        for (int i = 0; i < kThreads; i++) threads.emplace_back([&w, i] { work(w, unsigned(kGoroutines + i)); });
        std::this_thread::sleep_for(kLength);
        w.stop.store(true);
        for (std::thread& t : threads) t.join();
    }
    CHECK(w.broken.load() == 0);
    for (guarded& o : w.all) {
        CHECK(o.plain == o.locks.load());
        CHECK(o.rw_plain == o.writes.load());
        CHECK(o.tokens.held() == 0);
        CHECK(o.m.try_lock());
        CHECK(o.rw.try_lock());
        o.rw.unlock();
        o.m.unlock();
    }
}
