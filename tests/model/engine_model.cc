// SPDX-License-Identifier: BSL-1.0
// The checker itself: what is broken under the C++ memory model is found, what holds is not called broken.
#include <doctest/doctest.h>

#include "runtime/base/atomic.h"
#include "tests/model/checker.h"

using namespace gossamer;
using rt::atomic;

namespace {

// All orders with sleep sets; then so many preemptions that the bound bounds nothing, without sleep sets. Both must say the same.
model::bounds within;
template <class F>
void both_ways(F f) {
    for (int preemptions : {model::kUnbounded, 12}) {
        within.preemptions = preemptions;
        f();
    }
    within.preemptions = model::kUnbounded;
}

struct two_words {
    atomic<int> x{0}, y{0};
    int data = 0;
    int seen_x = -1, seen_y = -1;
};

model::verdict message_passing(std::memory_order writer, std::memory_order reader) {
    return model::explore(within, [=] {
        auto& s = model::make<two_words>();
        model::thread("writer", [&s, writer] {
            s.x.store(1, rt::relaxed);
            s.y.store(1, writer);
        });
        model::thread("reader", [&s, reader] {
            if (s.y.load(reader) == 1) model::require(s.x.load(rt::relaxed) == 1, "the message is there");
        });
    });
}

// Dekker: neither sees the other.
model::verdict store_buffering(std::memory_order stores, std::memory_order loads, bool fences) {
    return model::explore(within, [=] {
        auto& s = model::make<two_words>();
        model::thread("left", [&s, stores, loads, fences] {
            s.x.store(1, stores);
            if (fences) rt::full_fence();
            s.seen_y = s.y.load(loads);
        });
        model::thread("right", [&s, stores, loads, fences] {
            s.y.store(1, stores);
            if (fences) rt::full_fence();
            s.seen_x = s.x.load(loads);
        });
        model::at_end([&s] { model::require(s.seen_x == 1 || s.seen_y == 1, "one sees the other"); });
    });
}

model::verdict asymmetric(bool light, bool heavy) {
    return model::explore(within, [=] {
        auto& s = model::make<two_words>();
        model::thread("often", [&s, light] {
            s.x.store(1, rt::relaxed);
            if (light) rt::compiler_fence();
            s.seen_y = s.y.load(rt::relaxed);
        });
        model::thread("seldom", [&s, heavy] {
            s.y.store(1, rt::relaxed);
            if (heavy)
                model::heavy_fence();
            else
                rt::full_fence();
            s.seen_x = s.x.load(rt::relaxed);
        });
        model::at_end([&s] { model::require(s.seen_x == 1 || s.seen_y == 1, "one sees the other"); });
    });
}

struct four_readings {
    atomic<int> x{0}, y{0};
    int a = 0, b = 0, c = 0, d = 0;
};

model::verdict independent_reads(std::memory_order loads) {
    return model::explore(within, [=] {
        auto& s = model::make<four_readings>();
        model::thread("x", [&s] { s.x.store(1, rt::seq_cst); });
        model::thread("y", [&s] { s.y.store(1, rt::seq_cst); });
        model::thread("xy", [&s, loads] {
            s.a = s.x.load(loads);
            s.b = s.y.load(loads);
        });
        model::thread("yx", [&s, loads] {
            s.c = s.y.load(loads);
            s.d = s.x.load(loads);
        });
        model::at_end(
            [&s] { model::require(!(s.a == 1 && s.b == 0 && s.c == 1 && s.d == 0), "one order of both stores"); });
    });
}

model::verdict counting(bool in_one_step) {
    return model::explore(within, [=] {
        auto& s = model::make<two_words>();
        for (const char* who : {"one", "two"})
            model::thread(who, [&s, in_one_step] {
                if (in_one_step)
                    s.x.fetch_add(1);
                else
                    s.x.store(s.x.load() + 1);
            });
        model::at_end([&s] { model::require(s.x.load() == 2, "both are counted"); });
    });
}

model::verdict handing_over(std::memory_order o) {
    return model::explore(within, [=] {
        auto& s = model::make<two_words>();
        model::thread("writer", [&s, o] {
            s.data = 1;
            s.x.store(1, o);
        });
        model::thread("reader", [&s, o] {
            if (s.x.load(o == rt::release ? rt::acquire : rt::relaxed) == 1)
                model::require(s.data == 1, "the data is there");
        });
    });
}

model::verdict sleeping(bool looks_again) {
    return model::explore(within, [=] {
        auto& flag = model::make<atomic<uint32_t>>(0u);
        model::thread("sleeper", [&flag, looks_again] {
            if (flag.load() == 0) model::futex_wait(&flag, looks_again ? 0 : flag.load());
        });
        model::thread("waker", [&flag] {
            flag.store(1);
            model::futex_wake(&flag, 1);
        });
    });
}

}  // namespace

TEST_CASE("a message passed by relaxed stores and loads is found broken, by release and acquire it arrives") {
    both_ways([] {
        CHECK_FALSE(message_passing(rt::relaxed, rt::relaxed).holds());
        CHECK_FALSE(message_passing(rt::release, rt::relaxed).holds());
        CHECK_FALSE(message_passing(rt::relaxed, rt::acquire).holds());
        CHECK(message_passing(rt::release, rt::acquire).holds());
    });
}

TEST_CASE("of two who store and then look at the other's word both may be blind, but for seq_cst") {
    both_ways([] {
        CHECK_FALSE(store_buffering(rt::release, rt::acquire, false).holds());
        CHECK_FALSE(store_buffering(rt::seq_cst, rt::relaxed, false).holds());
        CHECK(store_buffering(rt::seq_cst, rt::seq_cst, false).holds());
        CHECK(store_buffering(rt::relaxed, rt::relaxed, true).holds());
    });
}

TEST_CASE("a heavy fence on one side needs only a compiler fence on the other, but needs that") {
    both_ways([] {
        CHECK(asymmetric(true, true).holds());
        CHECK_FALSE(asymmetric(false, true).holds());
        CHECK_FALSE(asymmetric(true, false).holds());
    });
}

TEST_CASE("two readers agree on the order of two seq_cst stores when they read by seq_cst") {
    both_ways([] {
        CHECK(independent_reads(rt::seq_cst).holds());
        CHECK_FALSE(independent_reads(rt::acquire).holds());
    });
}

TEST_CASE("a lost update is found") {
    both_ways([] {
        CHECK_FALSE(counting(false).holds());
        CHECK(counting(true).holds());
    });
}

TEST_CASE("a race on plain data is found") {
    both_ways([] {
        CHECK_FALSE(handing_over(rt::relaxed).holds());
        CHECK(handing_over(rt::release).holds());
    });
}

TEST_CASE("a lost wake-up is found") {
    both_ways([] {
        CHECK_FALSE(sleeping(false).holds());
        CHECK(sleeping(true).holds());
    });
}

TEST_CASE("a spin loop ends when its word is stored, and is called endless when nobody does") {
    auto waiting = [](bool stores) {
        return model::explore(within, [=] {
            auto& s = model::make<two_words>();
            model::thread("waits", [&s] {
                while (s.x.load(rt::acquire) == 0) model::spin();
                model::require(s.data == 1, "the data is there");
            });
            model::thread("stores", [&s, stores] {
                s.data = 1;
                s.y.store(1);
                if (stores) s.x.store(1, rt::release);
            });
        });
    };
    CHECK(waiting(true).holds());
    CHECK(waiting(false).broken == "waits spins for ever");
}

TEST_CASE("memory that is used after its end, or beside it, is found") {
    auto ending = [](bool waits) {
        return model::explore(within, [=] {
            auto& s = model::make<two_words>();
            auto* shared = new int(0);
            model::thread("user", [&s, shared] {
                *shared = 1;
                s.x.store(1, rt::release);
            });
            model::thread("ends it", [&s, shared, waits] {
                while (waits && s.x.load(rt::acquire) == 0) model::spin();
                delete shared;
            });
        });
    };
    CHECK(ending(true).holds());
    CHECK_FALSE(ending(false).holds());
}

TEST_CASE("a path is told in steps, and its choices lead to the same end again") {
    model::verdict found = counting(false);
    CHECK(found.path.find("store") != std::string::npos);
    CHECK(found.path.find("tests/model/engine_model.cc") != std::string::npos);
    CHECK(found.path.find(found.broken) != std::string::npos);
    model::bounds again;
    again.replay = found.choices.c_str();
    model::verdict repeated = model::explore(again, [] {
        auto& s = model::make<two_words>();
        for (const char* who : {"one", "two"}) model::thread(who, [&s] { s.x.store(s.x.load() + 1); });
        model::at_end([&s] { model::require(s.x.load() == 2, "both are counted"); });
    });
    CHECK(repeated.broken == found.broken);
}

TEST_CASE("all orders are explored: as many as can be told apart") {
    // Two threads with two stores each to one word: six orders.
    model::verdict v = model::explore(within, [] {
        auto& s = model::make<two_words>();
        for (const char* who : {"one", "two"})
            model::thread(who, [&s] {
                s.x.store(1);
                s.x.store(2);
            });
    });
    CHECK(v.complete);
    CHECK(v.executions >= 6);
    CHECK(v.executions <= 8);  // and those before the word was known to be shared
}
