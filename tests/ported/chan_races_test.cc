// SPDX-License-Identifier: BSL-1.0
// Many goroutines on few channels, with invariants that hold in every schedule: the ideas of Go's runtime/chan_test.go (TestChan,
// TestNonblockRecvRace, TestNonblockSelectRace, TestPseudoRandomSend, TestMultiConsumer) in our words.
#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <vector>

#include "gossamer/chan.h"
#include "gossamer/go.h"
#include "gossamer/runtime.h"
#include "gossamer/select.h"
#include "tests/lib/chan_peek.h"
#include "tests/support/harness.h"
#include "tests/support/with_procs.h"

using namespace gossamer;
using tests::on_goroutine;

TEST_CASE("who is woken runs next, before others that are ready, and the waker goes on [CH21]") {
    tests::with_procs one(1);
    int as_told = 0;  // a busy machine takes the processor away from this thread now and then, and the order is another
    on_goroutine([&] {
        for (int round = 0; round < 20; round++) {
            std::array<char, 5> order;  // a place each: two may come at once then
            std::atomic<unsigned> next{0};
            chan<int> c, ended;
            auto ready = [&](char name) {
                order[next++] = name;
                ended.send(0);
            };
            go([&] {
                c.recv();
                ready('w');
            });
            REQUIRE(tests::wait_for_receivers(c, 1));
            for (char name : {'a', 'b', 'c'}) go(ready, name);
            c.send(0);
            order[next++] = '.';
            for (int i = 0; i < 4; i++) ended.recv();
            if (order[0] == '.' && order[1] == 'w') as_told++;
        }
    });
    CHECK(as_told > 10);
}

TEST_CASE("nobody is parked where a value or room is waiting, and never both sides at once [CH7]") {
    on_goroutine([] {
        constexpr int kEach = 2'000, kSides = 4;
        for (int capacity : {0, 3}) {
            chan<int> c(capacity);
            std::atomic<int> active{2 * kSides};
            for (int i = 0; i < kSides; i++) {
                go([&, c] {
                    for (int n = 0; n < kEach; n++) c.send(n);
                    active--;
                });
                go([&, c] {
                    for (int n = 0; n < kEach; n++) c.recv();
                    active--;
                });
            }
            bool held = true;
            while (active.load() != 0) {
                held = held && tests::queues_agree(c);
                gossamer::yield();
            }
            CHECK(held);
        }
    });
}

TEST_CASE("an empty channel blocks a receiver, a full one a sender; closing frees them [CH4, CH9]") {
    on_goroutine([] {
        for (int capacity = 0; capacity < 20; capacity++) {
            chan<int> c(capacity);
            std::atomic<bool> received{false};
            chan<unit> done;
            for (int i = 0; i < 2; i++)
                go([&, c, done] {
                    static_cast<void>(c.recv());
                    received = true;
                    done.send({});
                });
            for (int i = 0; i < 10; i++) yield();
            CHECK(!received);
            c.send(0);
            c.send(0);
            done.recv();
            done.recv();

            for (int i = 0; i < capacity; i++) c.send(i);
            std::atomic<bool> sent{false};
            go([&, c, done] {
                c.send(99);
                sent = true;
                done.send({});
            });
            for (int i = 0; i < 10; i++) yield();
            CHECK(!sent);
            for (int i = 0; i < capacity; i++) CHECK(*c.recv() == i);
            CHECK(*c.recv() == 99);
            done.recv();
        }
    });
}

TEST_CASE("every value sent by many is received once, whatever the capacity [CH3, CH4]") {
    on_goroutine([] {
        for (int capacity : {0, 1, 3, 20, 1000}) {
            constexpr int kSides = 4;
            constexpr int kEach = 500;
            chan<int> c(capacity);
            chan<std::vector<int>> counts;
            for (int p = 0; p < kSides; p++) {
                go([=] {
                    for (int i = 0; i < kEach; i++) c.send(i);
                });
                go([=] {
                    std::vector<int> seen(kEach);
                    for (int i = 0; i < kEach; i++) seen[static_cast<std::size_t>(*c.recv())]++;
                    counts.send(std::move(seen));
                });
            }
            std::vector<int> total(kEach);
            for (int p = 0; p < kSides; p++) {
                std::vector<int> seen = *counts.recv();
                for (std::size_t i = 0; i < seen.size(); i++) total[i] += seen[i];
            }
            CHECK(total == std::vector<int>(kEach, kSides));
            CHECK(c.len() == 0);
        }
    });
}

TEST_CASE("a non-blocking receive after close never says not ready [CH17]") {
    on_goroutine([] {
        int failures = 0;
        for (int i = 0; i < 1000; i++) {
            chan<int> c(1);
            c.send(1);
            chan<unit> done;
            go([=] {
                select(recv(c), otherwise);
                done.send({});
            });
            c.close();
            if (select(recv(c), otherwise).index() != 0) failures++;
            done.recv();
        }
        CHECK(failures == 0);
    });
}

TEST_CASE("a non-blocking select finds the one that is always ready [CH17, SE4]") {
    on_goroutine([] {
        std::atomic<int> failures{0};
        chan<unit> done(1);
        for (int i = 0; i < 5000; i++) {
            chan<int> a(1);
            chan<int> b(1);
            a.send(1);
            go([&, a, b, done] {
                if (select(recv(a), recv(b), otherwise).index() == 2) failures++;
                done.send({});
            });
            b.send(1);
            select(recv(a), otherwise);
            done.recv();
        }
        CHECK(failures == 0);

        // The same with a channel that is closed instead of filled.
        for (int i = 0; i < 5000; i++) {
            chan<int> a(1);
            chan<int> b;
            a.send(1);
            go([&, a, b, done] {
                if (select(recv(a), recv(b), otherwise).index() == 2) failures++;
                done.send({});
            });
            b.close();
            select(recv(a), otherwise);
            done.recv();
        }
        CHECK(failures == 0);
    });
}

TEST_CASE("a select between two sends on one channel writes random bits [SE2]") {
    on_goroutine([] {
        constexpr int kBits = 400;
        for (int capacity : {0, kBits}) {
            chan<int> c(capacity);
            chan<int> ones;
            go([=] {
                int n = 0;
                for (int i = 0; i < kBits; i++) n += *c.recv();
                ones.send(n);
            });
            for (int i = 0; i < kBits; i++) select(send(c, 0), send(c, 1));
            int n = *ones.recv();
            CHECK(n > kBits / 3);
            CHECK(n < 2 * kBits / 3);
        }
    });
}

TEST_CASE("many consumers share one queue and nothing is lost or doubled") {
    on_goroutine([] {
        constexpr int kWorkers = 23;
        constexpr int kItems = 6000;
        constexpr std::array kPrimes{2, 3, 7, 11, 13, 17, 19, 23, 27, 31};
        chan<int> queue(kWorkers / 4 * 3);
        chan<int> results(kWorkers / 4 * 3);
        chan<unit> ended;
        for (int w = 0; w < kWorkers; w++)
            go([=] {
                for (int v : queue) {
                    if (v % 23 == w) yield();
                    results.send(v);
                }
                ended.send({});
            });
        long expected = 0;
        for (int i = 0; i < kItems; i++) expected += kPrimes[static_cast<std::size_t>(i) % kPrimes.size()];
        go([=] {
            for (int i = 0; i < kItems; i++) queue.send(kPrimes[static_cast<std::size_t>(i) % kPrimes.size()]);
            queue.close();
            for (int w = 0; w < kWorkers; w++) ended.recv();
            results.close();
        });
        long sum = 0;
        int n = 0;
        for (int v : results) {
            sum += v;
            n++;
        }
        CHECK(n == kItems);
        CHECK(sum == expected);
    });
}
