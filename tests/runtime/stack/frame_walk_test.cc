// SPDX-License-Identifier: BSL-1.0
#include "runtime/stack/frame_walk.h"

#include <alloca.h>
#include <doctest/doctest.h>

#include <atomic>
#include <iterator>
#include <thread>
#include <vector>

#include "runtime/debug/traceback.h"
#include "runtime/sched/sched.h"
#include "tests/support/harness.h"

using namespace gossamer;

namespace {

constexpr unsigned kMost = 64;

struct both {
    uint64_t ours[kMost];
    void* reference[kMost];  // libgcc's own walk
    unsigned our_count = 0, reference_count = 0;
};

uintptr_t top_of_stack() { return reinterpret_cast<uintptr_t>(rt::current_m()->curg->stk->top()); }

[[gnu::noinline]] unsigned walk_here(both& b, unsigned most) {
    b.our_count = rt::walk_frames(rt::caller_frame(), top_of_stack(), b.ours, most);
    asm volatile("" : : "r"(&b) : "memory");
    return b.our_count;
}
[[gnu::noinline]] void compare_here(both& b) {
    walk_here(b, kMost);
    b.reference_count = rt::here(b.reference, kMost);
    asm volatile("" : : "r"(&b) : "memory");
}

using step = void (*)(both&, int depth);
// Each kind of frame calls the next kind.
void down(both& b, int depth);

[[gnu::noinline]] void plain(both& b, int depth) {
    down(b, depth);
    asm volatile("" : : : "memory");
}
[[gnu::noinline]] void large(both& b, int depth) {
    volatile char room[40'000];
    room[depth] = 1;
    down(b, depth);
    room[0] = room[depth];
}
[[gnu::noinline]] void of_any_size(both& b, int depth) {
    auto* room = static_cast<volatile char*>(alloca(size_t(100 + depth * 24)));
    room[depth] = 1;
    down(b, depth);
    room[0] = room[depth];
}
[[gnu::noinline]] void aligned(both& b, int depth) {
    alignas(64) volatile char room[64] = {};
    room[depth % 64] = 1;
    down(b, depth);
    room[0] = room[depth % 64];
}
[[gnu::noinline]] void many_registers(both& b, int depth) {
    volatile int source = depth;
    int a = source, c = source + 1, d = source + 2, e = source + 3, f = source + 4, g = source + 5, h = source + 6;
    down(b, depth);
    source = a ^ c ^ d ^ e ^ f ^ g ^ h;
}

constexpr step kKinds[] = {plain, large, of_any_size, aligned, many_registers};

[[gnu::noinline]] void down(both& b, int depth) {
    if (depth == 0)
        compare_here(b);
    else
        kKinds[size_t(depth) % std::size(kKinds)](b, depth - 1);
    asm volatile("" : : : "memory");
}

// Up to the outermost that both know: ours may end where a function aligns its stack in a way of its own.
void check_same(const both& b, unsigned least) {
    // Innermost, the one stands in compare_here() behind the first call, the other behind the second.
    CHECK(b.our_count >= least);
    CHECK(b.our_count <= b.reference_count);
    for (unsigned i = 1; i < b.our_count; i++) {
        CAPTURE(i);
        CHECK(b.ours[i] == uint64_t(reinterpret_cast<uintptr_t>(b.reference[i])));
    }
}

}  // namespace

TEST_CASE("the frames are those that exceptions would leave by, whatever shape each has") {
    tests::on_goroutine([] {
        for (int turn = 0; turn < 3; turn++) {
            if (turn == 2) rt::forget_frame_rules();
            for (int depth = 0; depth < 12; depth++) {
                CAPTURE(turn);
                CAPTURE(depth);
                both b;
                down(b, depth);
                check_same(b, unsigned(2 * depth + 3));
            }
        }
    });
}

TEST_CASE("no more frames than asked for; none beyond the top that is named") {
    tests::on_goroutine([] {
        both b;
        CHECK(walk_here(b, 2) == 2);
        rt::frame_at here = rt::caller_frame();
        CHECK(rt::walk_frames(here, here.sp, b.ours, kMost) == 1);  // its own address is known, and nothing else
    });
}

TEST_CASE("registers that make no sense end the walk") {
    tests::on_goroutine([] {
        both b;
        auto code = reinterpret_cast<uintptr_t>(&plain) + 1;
        CHECK(rt::walk_frames({0, 0, 0}, top_of_stack(), b.ours, kMost) == 0);
        CHECK(rt::walk_frames({12345, top_of_stack() - 64, 0}, top_of_stack(), b.ours, kMost) == 1);
        CHECK(rt::walk_frames({code, top_of_stack() + 4096, 0}, top_of_stack(), b.ours, kMost) == 1);
        CHECK(rt::walk_frames({code, 4096, ~uintptr_t{0}}, 4096, b.ours, kMost) == 1);
    });
}

TEST_CASE("threads that keep rules in the same slots find their own") {
    std::vector<std::thread> threads;
    std::atomic<int> wrong{0};
    for (int t = 0; t < 4; t++)
        threads.emplace_back([&wrong, t] {
            for (int turn = 0; turn < 300; turn++) {
                if (t == 0) rt::forget_frame_rules();
                both b;
                b.our_count = rt::walk_frames(rt::caller_frame(), UINTPTR_MAX & ~uintptr_t{7}, b.ours, 3);
                b.reference_count = rt::here(b.reference, kMost);
                for (unsigned i = 0; i < b.our_count && i + 1 < b.reference_count; i++)
                    wrong += b.ours[i] != reinterpret_cast<uintptr_t>(b.reference[i + 1]);
            }
        });
    for (std::thread& t : threads) t.join();
    CHECK(wrong == 0);
}
