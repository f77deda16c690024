// SPDX-License-Identifier: BSL-1.0
#include "gossamer/big_stack.h"

#include <doctest/doctest.h>
#include <sys/resource.h>

#include <atomic>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "gossamer/chan.h"
#include "gossamer/defer.h"
#include "gossamer/go.h"
#include "gossamer/panic.h"
#include "gossamer/runtime.h"
#include "gossamer/wait_group.h"
#include "tests/support/harness.h"

using namespace gossamer;
using tests::on_goroutine;

namespace {

// Some hundred bytes a level, and a park on every hundredth.
[[gnu::noinline]] int descend(int levels) {
    volatile char room[256];
    room[0] = 1;
    if (levels % 100 == 0) yield();
    return levels == 0 ? room[0] : descend(levels - 1) + room[0];
}

constexpr int kDeep = 8000;  // two megabytes; a goroutine has a quarter

}  // namespace

TEST_CASE("a call that is too deep for the goroutine's stack runs on a big one, waits there, and gives its result") {
    wait_group all;
    std::atomic<int> right{0};
    for (int i = 0; i < 8; i++)
        all.go([&] {
            auto me = runtime::goroutine_id();
            right += on_big_stack([] { return descend(kDeep); }) == kDeep + 1;
            right += on_big_stack(16 << 20, [=] { return runtime::goroutine_id() == me; });
        });
    all.wait();
    CHECK(right == 16);
}

TEST_CASE("on_big_stack gives what f gives: nothing, a reference, a value that only moves") {
    on_goroutine([] {
        int x = 1;
        on_big_stack([&] { x = 2; });
        CHECK(x == 2);
        int& same = on_big_stack([&]() -> int& { return x; });
        CHECK(&same == &x);
        auto only = on_big_stack([p = std::make_unique<int>(3)]() mutable { return std::move(p); });
        CHECK(*only == 3);
    });
}

TEST_CASE(
    "what is thrown on a big stack comes out where it was called, goexit too; a handler around it keeps its "
    "exception") {
    on_goroutine([] {
        bool unwound = false;
        try {
            on_big_stack([&] {
                defer d{[&] { unwound = true; }};
                yield();
                throw std::runtime_error("from below");
            });
            CHECK(false);
        } catch (const std::runtime_error& e) {
            CHECK(unwound);
            CHECK(std::string(e.what()) == "from below");
            int inner = on_big_stack([] {
                try {
                    yield();
                    throw 5;
                } catch (int n) {
                    yield();
                    return n;
                }
            });
            CHECK(inner == 5);
            CHECK(std::string(e.what()) == "from below");
        }
        CHECK(std::current_exception() == nullptr);
    });
    chan<int> steps(4);
    go([=] {
        defer d{[=] { steps.close(); }};
        on_big_stack([=] {
            defer d{[=] { steps.send(1); }};
            yield();
            goexit();
        });
        steps.send(2);
    });
    CHECK(*steps.recv() == 1);
    CHECK_FALSE(steps.recv().ok);
}

TEST_CASE("a big stack inside of a big stack is the same one as long as it has room") {
    on_goroutine([] {
        on_big_stack([] {
            char outer = 0;
            on_big_stack(1 << 20, [&] {
                char inner = 0;
                CHECK(&outer - &inner > 0);
                CHECK(&outer - &inner < 4096 * 8);
            });
            on_big_stack(512 << 20, [&] {
                char inner = 0;
                CHECK((&outer - &inner > (64 << 20) || &inner - &outer > (64 << 20)));
                CHECK(descend(kDeep) == kDeep + 1);
            });
        });
    });
}

TEST_CASE("a plain thread may use a big stack, and a channel on it") {
    chan<int> c;
    go([=] { c.send(descend(10)); });
    CHECK(on_big_stack(256 << 20, [=] { return descend(4 * kDeep) + *c.recv(); }) == 4 * kDeep + 1 + 11);
}

TEST_CASE("a size that makes no sense is refused, with the size") {
    auto text_of = [](std::size_t bytes) {
        try {
            on_big_stack(bytes, [] {});
        } catch (const panic& p) {
            return std::string(p.what());
        }
        return std::string();
    };
    CHECK(text_of(1) == "on_big_stack: 1 bytes are not between 16 KiB and 4 GiB");
    CHECK(text_of(std::size_t{5} << 30) == "on_big_stack: 5368709120 bytes are not between 16 KiB and 4 GiB");
}
