// SPDX-License-Identifier: BSL-1.0
// select_stress: a ring of tokens. Goroutines and plain threads move tokens between channels by selects of every shape (two to ten
// cases, sends and receives on the same channels, with and without otherwise, select_any, in order). No token is lost or doubled, and
// at the end nobody is queued anywhere.
#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <random>
#include <thread>
#include <vector>

#include "gossamer/chan.h"
#include "gossamer/go.h"
#include "gossamer/select.h"
#include "tests/lib/chan_peek.h"
#include "tests/stress/seed.h"
#include "tests/support/harness.h"

using namespace gossamer;

namespace {

constexpr auto kLength = std::chrono::milliseconds(2'000);
constexpr int kChannels = 5;
constexpr int kTokens = 9;
constexpr int kGoroutines = 16;
constexpr int kThreads = 2;

struct ring {
    // Room for every token in the buffered ones, so that whoever holds a token can always put it down.
    std::array<chan<int>, kChannels> c{chan<int>(0), chan<int>(kTokens), chan<int>(0), chan<int>(kTokens),
                                       chan<int>(1)};
    chan<unit> stop;
    chan<int> moved;
    std::atomic<int> twice{0};
    std::array<std::atomic<bool>, kTokens> in_hand{};

    void take(int token) {
        if (in_hand[static_cast<std::size_t>(token)].exchange(true)) twice++;
    }
    void put(int token) { in_hand[static_cast<std::size_t>(token)] = false; }
};

// Takes a token, whichever; -1 when the ring stops.
int take(ring& r, std::minstd_rand& random) {
    const auto& c = r.c;
    for (;;) {
        auto got = [&](auto& s, std::size_t stop_case) { return s.index() != stop_case; };
        int token = -1;
        switch (random() % 4) {
            case 0: {
                switch (select(recv(c[0], token), recv(c[1], token), recv(c[2], token), recv(c[3], token),
                               recv(c[4], token), recv(r.stop))) {
                    case 0:
                    case 1:
                    case 2:
                    case 3:
                    case 4:
                        return token;
                    case 5:
                        return -1;
                }
                break;
            }
            case 1: {
                auto s = select(recv(c[random() % kChannels], token), recv(c[3], token), otherwise);
                if (got(s, 2)) return token;
                if (select(recv(r.stop), otherwise).index() == 0) return -1;
                yield();
                break;
            }
            case 2: {
                std::vector<select_case> cases;
                for (const auto& each : c) cases.emplace_back(recv(each, token));
                cases.emplace_back(recv(r.stop));
                return select_any(cases) == kChannels ? -1 : token;
            }
            case 3: {
                auto s = select_in_order(recv(c[4], token), recv(c[0], token), recv(c[1], token), recv(c[3], token),
                                         recv(r.stop));
                return got(s, 4) ? token : -1;
            }
        }
    }
}

// Puts a token down, or swaps it for another one on the same unbuffered channel; says what is still held, or -1.
int put(ring& r, int token, std::minstd_rand& random) {
    const auto& c = r.c;
    r.put(token);
    int other = -1;
    switch (random() % 3) {
        case 0:
            select(send(c[0], token), send(c[1], token), send(c[2], token), send(c[4], token));
            return -1;
        case 1: {
            auto s = select(send(c[0], token), recv(c[0], other), send(c[3], token), recv(c[2], other));
            if (s.index() % 2 == 0) return -1;
            // Two in hand now: one goes where there is room.
            c[1].send(token);
            r.take(other);
            return other;
        }
        default:
            if (select(send(c[4], token), otherwise).index() == 1) c[3].send(token);
            return -1;
    }
}

void work(ring& r, unsigned seed) {
    std::minstd_rand random(seed);
    int n = 0;
    for (;; n++) {
        int token = take(r, random);
        if (token < 0) break;
        r.take(token);
        while (token >= 0) token = put(r, token, random);
        if (random() % 32 == 0) yield();
    }
    r.moved.send(n);
}

}  // namespace

TEST_CASE("tokens that wander through selects of every shape are neither lost nor doubled [SE4, SE8, SE9, SE10]") {
    unsigned seed = tests::stress_seed();
    std::mt19937 random(seed);
    ring r;
    std::vector<std::thread> threads;
    long moves = 0;
    tests::on_goroutine([&] {
        for (int i = 0; i < kTokens; i++) r.c[i % 2 == 0 ? 1 : 3].send(i);
        for (int i = 0; i < kGoroutines; i++) go([&r, s = random()] { work(r, static_cast<unsigned>(s)); });
        for (int i = 0; i < kThreads; i++)
            threads.emplace_back([&r, s = random()] { work(r, static_cast<unsigned>(s)); });
        auto end = std::chrono::steady_clock::now() + kLength;
        while (std::chrono::steady_clock::now() < end) yield();
        r.stop.close();
        for (int i = 0; i < kGoroutines + kThreads; i++) moves += *r.moved.recv();
    });
    for (auto& t : threads) t.join();

    std::array<int, kTokens> found{};
    for (const auto& c : r.c) {
        CHECK(tests::parked_receivers(c) == 0);
        CHECK(tests::parked_senders(c) == 0);
        int token = 0;
        while (select(recv(c, token), otherwise).index() == 0) found[static_cast<std::size_t>(token)]++;
    }
    for (int n : found) CHECK(n == 1);
    CHECK(r.twice == 0);
    CHECK(moves > 0);
    MESSAGE("moves: ", moves, ", seed ", seed);
}
