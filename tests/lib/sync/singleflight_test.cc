// SPDX-License-Identifier: BSL-1.0
#include "gossamer/singleflight.h"

#include <doctest/doctest.h>

#include <stdexcept>
#include <string>

#include "tests/lib/sync/probe.h"

using gossamer::error;
using gossamer::singleflight;
using gossamer::wait_group;
using gossamer::rt::wait_reason;

namespace {

// One that is under way until it is let go, and three that have joined it.
struct joined_flight {
    singleflight<std::string, int> flights;
    std::atomic<bool> let_go{false}, under_way{false};
    std::atomic<int> runs{0};
    wait_group end;

    void wait_until_let_go() {
        runs++;
        under_way.store(true);
        while (!let_go.load()) gossamer::yield();
    }
    template <class First, class Other>
    void start(First first, Other other) {
        end.go(first);
        REQUIRE(tests::eventually([&] { return under_way.load(); }));
        for (tests::probe& p : others_) {
            end.go([&p, other] {
                p.here();
                other();
            });
            REQUIRE(p.comes_to_sleep(wait_reason::wait_group_wait));
        }
    }
    void finish() {
        let_go.store(true);
        end.wait();
    }

  private:
    tests::probe others_[3];
};

}  // namespace

TEST_CASE("one call for a key runs at a time, and all who asked meanwhile get its value and error [SF1]") {
    tests::on_goroutine([] {
        joined_flight j;
        const error bad("half");
        std::atomic<int> right{0};
        auto ask = [&] {
            auto [value, err, shared] = j.flights.call("key", [&] {
                j.wait_until_let_go();
                return std::pair(7, bad);
            });
            if (value == 7 && err == bad && shared) right++;
        };
        j.start(ask, ask);
        auto [value, err, shared] = j.flights.call("another key", [] { return 1; });
        CHECK(value == 1);
        CHECK_FALSE(err);
        CHECK_FALSE(shared);
        j.finish();
        CHECK(right.load() == 4);
        CHECK(j.runs.load() == 1);
        CHECK(j.flights.call("key", [] { return 8; }).value == 8);
    });
}

TEST_CASE("a channel gives the result once and stays open; forget lets the next call run anew [SF2]") {
    tests::on_goroutine([] {
        joined_flight j;
        auto slow = [&] {
            j.wait_until_let_go();
            return 1;
        };
        auto first = j.flights.call_chan("key", slow);
        REQUIRE(tests::eventually([&] { return j.under_way.load(); }));
        auto second = j.flights.call_chan("key", slow);
        j.flights.forget("key");
        CHECK(j.flights.call("key", [] { return 2; }).value == 2);
        j.let_go.store(true);
        for (auto& answer : {first, second}) {
            auto [got, open] = answer.recv();
            CHECK(open);
            CHECK(got.value == 1);
            CHECK(got.shared);
            CHECK(answer.len() == 0);
        }
        CHECK(j.runs.load() == 1);
    });
}

TEST_CASE("what the function throws is thrown in all who asked [SF3]") {
    tests::on_goroutine([] {
        joined_flight j;
        std::atomic<int> caught{0};
        auto ask = [&] {
            try {
                (void)j.flights.call("key", [&]() -> int {
                    j.wait_until_let_go();
                    throw std::runtime_error("no");
                });
            } catch (const std::runtime_error&) {
                caught++;
            }
        };
        j.start(ask, ask);
        j.finish();
        CHECK(caught.load() == 4);
    });
}

TEST_CASE("goexit in the function ends all who asked [SF3]") {
    tests::on_goroutine([] {
        joined_flight j;
        std::atomic<int> returned{0};
        auto ask = [&] {
            (void)j.flights.call("key", [&]() -> int {
                j.wait_until_let_go();
                gossamer::goexit();
            });
            returned++;
        };
        j.start(ask, ask);
        j.finish();
        CHECK(returned.load() == 0);
        CHECK(j.flights.call("key", [] { return 3; }).value == 3);
    });
}
