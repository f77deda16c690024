// SPDX-License-Identifier: BSL-1.0
// chan_stress: goroutines and plain threads send, receive, try, range and close on channels of random capacities in a random order.
// Every value is numbered: each arrives exactly once or is accounted for by the panic of its sender, and one sender's values
// arrive in order.
#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <random>
#include <thread>
#include <vector>

#include "gossamer/chan.h"
#include "gossamer/go.h"
#include "gossamer/panic.h"
#include "gossamer/select.h"
#include "tests/stress/seed.h"
#include "tests/support/harness.h"

using namespace gossamer;

namespace {

constexpr auto kLength = std::chrono::milliseconds(1'500);

struct item {
    int sender = 0;
    int number = 0;
    std::unique_ptr<int> proof;  // a value that is lost or doubled shows under a sanitizer, too
};

struct round {
    chan<item> c;
    int senders;
    int receivers;
    std::vector<std::atomic<int>> sent;  // how many of each sender were accepted
    chan<std::vector<std::vector<int>>> received;
    chan<unit> sender_done;
};

void maybe_pause(std::minstd_rand& random) {
    if (random() % 16 == 0) yield();
}

void send_all(round& r, int me, unsigned seed, int count) {
    std::minstd_rand random(seed);
    try {
        for (int i = 0; i < count; i++) {
            item v{me, i, std::make_unique<int>(i)};
            switch (random() % 3) {
                case 0:
                    r.c.send(std::move(v));
                    break;
                case 1:
                    select(send(r.c, std::move(v)), recv(chan<int>(nil)));
                    break;
                case 2: {
                    // Tries on both sides of an unbuffered channel never meet: so not for ever.
                    bool gone = false;
                    for (int tries = 0; !gone && tries < 5; tries++) {
                        gone = select(send(r.c, item{me, i, std::make_unique<int>(i)}), otherwise).index() == 0;
                        if (!gone) yield();
                    }
                    if (!gone) r.c.send(std::move(v));
                    break;
                }
            }
            r.sent[static_cast<std::size_t>(me)]++;
            maybe_pause(random);
        }
    } catch (const panic&) {
        // Closed under us: what was accepted before is counted, this value was not.
    }
    r.sender_done.send({});
}

void receive_all(round& r, unsigned seed) {
    std::minstd_rand random(seed);
    std::vector<std::vector<int>> got(static_cast<std::size_t>(r.senders));
    for (bool open = true; open;) {
        received<item> v;
        switch (random() % 3) {
            case 0:
                v = r.c.recv();
                break;
            case 1:
                v = select(recv(r.c), recv(chan<int>(nil))).get<0>();
                break;
            case 2: {
                bool got = false;
                for (int tries = 0; !got && tries < 5; tries++) {
                    auto s = select(recv(r.c), otherwise);
                    got = s.index() == 0;
                    if (got)
                        v = s.get<0>();
                    else
                        yield();
                }
                if (!got) v = r.c.recv();
                break;
            }
        }
        open = v.ok;
        if (open) {
            CHECK(*v->proof == v->number);
            got[static_cast<std::size_t>(v->sender)].push_back(v->number);
        }
        maybe_pause(random);
    }
    r.received.send(std::move(got));
}

template <class F>
void start(bool on_thread, std::vector<std::thread>& threads, F f) {
    if (on_thread)
        threads.emplace_back(f);
    else
        go(f);
}

void one_round(std::mt19937& random, bool close_early) {
    int capacities[] = {0, 0, 1, 2, 7, 100};
    round r{chan<item>(capacities[random() % 6]),  1 + static_cast<int>(random() % 6),
            1 + static_cast<int>(random() % 6),    {},
            chan<std::vector<std::vector<int>>>(), chan<unit>()};
    r.sent = std::vector<std::atomic<int>>(static_cast<std::size_t>(r.senders));
    int count = 1 + static_cast<int>(random() % 200);
    std::vector<std::thread> threads;
    for (int i = 0; i < r.receivers; i++)
        start(random() % 8 == 0, threads, [&r, seed = random()] { receive_all(r, static_cast<unsigned>(seed)); });
    for (int i = 0; i < r.senders; i++)
        start(random() % 8 == 0, threads,
              [&r, i, count, seed = random()] { send_all(r, i, static_cast<unsigned>(seed), count); });
    if (close_early) {
        for (unsigned n = random() % 50; n != 0; n--) yield();
        r.c.close();
    }
    for (int i = 0; i < r.senders; i++) r.sender_done.recv();
    if (!close_early) r.c.close();

    std::vector<std::vector<int>> all(static_cast<std::size_t>(r.senders));
    for (int i = 0; i < r.receivers; i++) {
        auto got = *r.received.recv();
        for (std::size_t s = 0; s < all.size(); s++) {
            CHECK(std::is_sorted(got[s].begin(), got[s].end()));
            all[s].insert(all[s].end(), got[s].begin(), got[s].end());
        }
    }
    for (std::size_t s = 0; s < all.size(); s++) {
        std::sort(all[s].begin(), all[s].end());
        bool complete = all[s].size() == static_cast<std::size_t>(r.sent[s].load());
        for (std::size_t i = 0; i < all[s].size(); i++) complete = complete && all[s][i] == static_cast<int>(i);
        CHECK(complete);
        if (!close_early) CHECK(all[s].size() == static_cast<std::size_t>(count));
    }
    for (auto& t : threads) t.join();
}

void rounds(bool close_early) {
    unsigned seed = tests::stress_seed();
    std::mt19937 random(seed);
    auto end = std::chrono::steady_clock::now() + kLength;
    int n = 0;
    tests::on_goroutine([&] {
        for (; std::chrono::steady_clock::now() < end; n++) one_round(random, close_early);
    });
    MESSAGE("rounds: ", n, ", seed ", seed);
}

}  // namespace

TEST_CASE("random senders and receivers: every value arrives once and in its sender's order [CH3, CH5, SE9]") {
    rounds(false);
}

TEST_CASE("a close among random senders: what was accepted arrives, the others panic [CH9, CH11, CH12]") {
    rounds(true);
}
