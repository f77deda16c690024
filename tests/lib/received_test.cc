// SPDX-License-Identifier: BSL-1.0
#include "gossamer/received.h"

#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "gossamer/chan.h"
#include "gossamer/go.h"
#include "gossamer/panic.h"
#include "tests/lib/counted.h"
#include "tests/support/harness.h"

using namespace gossamer;
using tests::counted;
using tests::on_goroutine;

namespace {

// Moving it can throw, so it travels in a box.
struct throwing_move {
    explicit throwing_move(int v = 0) : value(v) {}
    throwing_move(const throwing_move&) = default;
    throwing_move(throwing_move&& o) noexcept(false) : value(o.value) {}
    throwing_move& operator=(const throwing_move&) = default;
    int value;
};

template <std::size_t N>
struct block {
    std::array<unsigned char, N> bytes{};
    friend bool operator==(const block&, const block&) = default;
};

}  // namespace

TEST_CASE("a move-only value travels through buffer, hand-over and parked sender, and lives once") {
    on_goroutine([] {
        counted::live = 0;
        {
            chan<counted> c(1);
            chan<unit> done;
            go([=] {
                for (int i = 0; i < 50; i++) c.send(counted(i));
                done.send({});
            });
            for (int i = 0; i < 50; i++) {
                auto r = c.recv();
                REQUIRE(r.ok);
                CHECK(r->value == i);
            }
            done.recv();
            c.close();
            auto r = c.recv();
            CHECK(!r);
            CHECK_THROWS_WITH_AS(static_cast<void>(*r), "receive from a closed channel: the type has no zero value",
                                 panic);
        }
        CHECK(counted::live == 0);
    });
}

TEST_CASE("a type whose move can throw travels in a box") {
    on_goroutine([] {
        chan<throwing_move> c;
        chan<throwing_move> back(1);
        go([=] {
            for (auto& v : c) back.send(throwing_move(v.value + 1));
            back.close();
        });
        for (int i = 0; i < 20; i++) {
            c.send(throwing_move(i));
            CHECK(back.recv()->value == i + 1);
        }
        c.close();
        auto [v, ok] = back.recv();
        CHECK(v.value == 0);
        CHECK(!ok);
    });
}

TEST_CASE_TEMPLATE("elements of every size arrive whole", T, block<1>, block<2>, block<3>, block<4>, block<8>,
                   block<12>, block<16>, block<24>, block<64>, block<1000>) {
    on_goroutine([] {
        for (int capacity : {0, 1, 7}) {
            chan<T> c(capacity);
            go([=] {
                for (unsigned i = 0; i < 30; i++) {
                    T v;
                    v.bytes.fill(static_cast<unsigned char>(i));
                    c.send(v);
                }
                c.close();
            });
            unsigned i = 0;
            for (const T& v : c) {
                T want;
                want.bytes.fill(static_cast<unsigned char>(i++));
                CHECK(v == want);
            }
            CHECK(i == 30);
        }
    });
}

TEST_CASE("an over-aligned element is aligned in the buffer") {
    struct alignas(256) wide {
        int value = 0;
    };
    chan<wide> c(3);
    for (int i = 0; i < 3; i++) c.send(wide{i});
    for (int i = 0; i < 3; i++) {
        auto r = c.recv();
        CHECK(r->value == i);
        CHECK(reinterpret_cast<uintptr_t>(&r.value) % 256 == 0);
    }
}

TEST_CASE("a channel of channels carries a reply channel") {
    on_goroutine([] {
        chan<chan<int>> requests;
        go([=] {
            int n = 0;
            for (auto& reply : requests) reply.send(++n);
        });
        for (int i = 1; i <= 10; i++) {
            chan<int> reply;
            requests.send(reply);
            CHECK(*reply.recv() == i);
        }
        requests.close();
    });
}

TEST_CASE("received is a pair, a pointer and a truth value") {
    chan<int> c(2);
    c << 4 << 5;
    if (auto r = c.recv())
        CHECK(*r == 4);
    else
        FAIL("there was a value");
    const auto r = c.recv();
    const auto& [v, ok] = r;
    CHECK(v == 5);
    CHECK(ok);
    CHECK(r.value == 5);

    chan<std::unique_ptr<int>> p(1);
    p.send(std::make_unique<int>(6));
    auto [owned, got] = p.recv();
    REQUIRE(got);
    std::unique_ptr<int> mine = std::move(owned);
    CHECK(*mine == 6);

    chan<std::string> s(1);
    s.send("x");
    auto one = s.recv();
    auto two = one;
    two.value += "y";
    CHECK(*one == "x");
    CHECK(*two == "xy");
    one = std::move(two);
    CHECK(one->size() == 2);
}
