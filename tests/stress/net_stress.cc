// SPDX-License-Identifier: BSL-1.0
// net_stress: streams of numbered bytes through TCP and Unix sockets and pipes, while deadlines come, are moved and cleared at random, and
// others open and close descriptors so that numbers are reused all the time. What was written arrives once, in order, and nowhere
// else; every close ends all that waits; nobody waits for ever.
#include <doctest/doctest.h>
#include <gossamer/chan.h>
#include <gossamer/go.h>
#include <gossamer/net.h>
#include <gossamer/time.h>
#include <gossamer/wait_group.h>

#include <atomic>
#include <chrono>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "tests/lib/net/pair.h"
#include "tests/stress/seed.h"
#include "tests/support/harness.h"

using namespace gossamer;
using namespace std::chrono_literals;

namespace {

constexpr auto kLength = std::chrono::milliseconds(2'000);

// The byte at a place of a stream: another stream's byte there is another one, most of the time.
char byte_at(unsigned stream, size_t place) {
    uint32_t h = (static_cast<uint32_t>(place) + stream * 2654435761u) * 2246822519u;
    return static_cast<char>(h >> 24);
}

// Writes `total` bytes in random pieces under deadlines that may strike; goes on where the last write stopped.
template <class Out>
void write_stream(const Out& out, unsigned stream, size_t total, unsigned seed) {
    std::minstd_rand random(seed);
    std::string piece;
    for (size_t at = 0; at < total;) {
        size_t n = std::min<size_t>(total - at, 1 + random() % (random() % 8 == 0 ? 200'000 : 2'000));
        piece.resize(n);
        for (size_t i = 0; i < n; i++) piece[i] = byte_at(stream, at + i);
        if (random() % 4 == 0) CHECK(!out.set_write_deadline(tests::in(std::chrono::microseconds(random() % 500))));
        auto [written, err] = out.write(piece);
        at += written;
        if (err) {
            CHECK(errors::is(err, os::err_deadline_exceeded));
            CHECK(!out.set_write_deadline({}));
        }
    }
    CHECK(!out.set_write_deadline({}));
}

// Reads it all; true when every byte is right.
template <class In>
bool read_stream(const In& in, unsigned stream, size_t total, unsigned seed) {
    std::minstd_rand random(seed);
    std::string piece(65'536, 0);
    size_t at = 0;
    while (at < total) {
        if (random() % 4 == 0) CHECK(!in.set_read_deadline(tests::in(std::chrono::microseconds(random() % 500))));
        auto [n, err] = in.read(io::buffer(piece).first(1 + random() % (random() % 4 == 0 ? piece.size() : 64)));
        for (size_t i = 0; i < n; i++) {
            if (piece[i] != byte_at(stream, at + i)) return false;
        }
        at += n;
        if (err) {
            if (!errors::is(err, os::err_deadline_exceeded)) return false;
            CHECK(!in.set_read_deadline({}));
        }
    }
    CHECK(!in.set_read_deadline({}));
    char more[1];
    auto [n, err] = in.read(more);
    return n == 0 && err == io::eof;
}

tests::pair any_pair(std::minstd_rand& random) { return random() % 2 == 0 ? tests::tcp_pair() : tests::unix_pair(); }

}  // namespace

TEST_CASE("streams in both directions arrive whole under deadlines that strike at random [N1][N2][N5]") {
    tests::on_goroutine([] {
        std::minstd_rand random(tests::stress_seed());
        auto end = std::chrono::steady_clock::now() + kLength;
        while (std::chrono::steady_clock::now() < end) {
            std::vector<tests::pair> pairs;
            for (int i = 0; i < 6; i++) pairs.push_back(any_pair(random));
            wait_group all;
            std::atomic<int> right{0};
            unsigned stream = 0;
            for (tests::pair& p : pairs) {
                for (auto [from, to] : {std::pair(p.ours, p.theirs), std::pair(p.theirs, p.ours)}) {
                    size_t total = 1 + random() % 500'000;
                    stream++;
                    all.go([from = from, stream, total, seed = unsigned(random())] {
                        write_stream(from, stream, total, seed);
                        CHECK(!from.close_write());
                    });
                    all.go([to = to, stream, total, seed = unsigned(random()), &right] {
                        if (read_stream(to, stream, total, seed)) right++;
                    });
                }
            }
            all.wait();
            CHECK(right == static_cast<int>(stream));
        }
    });
}

TEST_CASE("streams between goroutines and plain threads arrive whole, through sockets and pipes") {
    std::minstd_rand random(tests::stress_seed());
    for (int round = 0; round < 4; round++) {
        tests::pair p = any_pair(random);
        auto [r, w, err] = os::pipe();
        REQUIRE(!err);
        unsigned s = random();
        constexpr size_t kTotal = 300'000;
        std::atomic<int> right{0};
        wait_group all;
        all.go([&, out = p.theirs] {
            write_stream(out, 1, kTotal, s);
            CHECK(!out.close_write());
        });
        all.go([&, in = r] { right += read_stream(in, 2, kTotal, s + 1); });
        std::thread writer([&, out = w] {
            write_stream(out, 2, kTotal, s + 2);
            CHECK(!out.close());
        });
        right += read_stream(p.ours, 1, kTotal, s + 3);
        writer.join();
        all.wait();
        CHECK(right == 2);
    }
}

TEST_CASE("closes strike reads, writes and deadlines at random while numbers are reused; no byte goes astray [N9]") {
    tests::on_goroutine([] {
        std::minstd_rand random(tests::stress_seed());
        std::atomic<bool> astray{false};
        std::atomic<int> rounds{0};
        wait_group workers;
        auto end = std::chrono::steady_clock::now() + kLength;
        for (unsigned me = 0; me < 6; me++) {
            workers.go([&, me, seed = unsigned(random())] {
                std::minstd_rand mine(seed);
                char id = static_cast<char>('a' + me);
                while (std::chrono::steady_clock::now() < end) {
                    tests::pair p = any_pair(mine);
                    wait_group inside;
                    for (const net::conn& c : {p.ours, p.theirs}) {
                        inside.go([&astray, c = c, id] {
                            char buf[512];
                            for (;;) {
                                auto [n, err] = c.read(buf);
                                for (size_t i = 0; i < n; i++) {
                                    if (buf[i] != id) astray = true;
                                }
                                if (err && !errors::is(err, os::err_deadline_exceeded)) return;
                                if (err) yield();
                            }
                        });
                        inside.go([c = c, id, size = 1 + mine() % 5'000] {
                            std::string text(size, id);
                            while (!c.write(text).err) {
                            }
                        });
                        if (mine() % 2 == 0) {
                            inside.go([c = c, n = mine() % 50] {
                                for (unsigned i = 0; i < n; i++) {
                                    if (c.set_read_deadline(i % 2 == 0 ? tests::past() : net::time_point{})) return;
                                    yield();
                                }
                                (void)!!c.set_read_deadline({});
                            });
                        }
                    }
                    for (unsigned i = mine() % 20; i > 0; i--) yield();
                    // From both sides, and twice: one close of each connection succeeds.
                    std::atomic<int> closed{0};
                    for (const net::conn& c : {p.ours, p.ours, p.theirs}) {
                        inside.go([c = c, &closed] {
                            if (!c.close()) closed++;
                        });
                    }
                    inside.wait();
                    CHECK(closed == 2);
                    rounds++;
                }
            });
        }
        workers.wait();
        CHECK(!astray);
        MESSAGE("rounds: ", rounds.load());
    });
}

TEST_CASE("dials and accepts while listeners come and go end well or with an error [N9][N21]") {
    tests::on_goroutine([] {
        auto end = std::chrono::steady_clock::now() + kLength / 2;
        wait_group all;
        for (int i = 0; i < 3; i++) {
            all.go([end] {
                while (std::chrono::steady_clock::now() < end) {
                    net::listener l = tests::must_listen();
                    wait_group inside;
                    for (int k = 0; k < 3; k++) {
                        inside.go([l] {
                            for (;;) {
                                auto [c, err] = l.accept();
                                if (err) {
                                    CHECK(errors::is(err, net::err_closed));
                                    return;
                                }
                                (void)!!c.write("x").err;
                            }
                        });
                        inside.go([l] {
                            for (int n = 0; n < 5; n++) {
                                auto [c, err] = net::dial_timeout("tcp", l.addr().string(), 10s);
                                char byte[1];
                                if (!err) (void)c.read(byte).n;
                            }
                        });
                    }
                    for (int n = 0; n < 8; n++) yield();
                    CHECK(!l.close());
                    inside.wait();
                }
            });
        }
        all.wait();
    });
}
