// SPDX-License-Identifier: BSL-1.0
#include "tools/gossamer/stall_watch.h"

#include <doctest/doctest.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdio>

#include "box_builder.h"

using namespace insp_test;
using insp::stall;
using insp::stall_cause;

namespace {

constexpr int64_t kMs = 1'000'000, kStart = 6'000'000'000;

struct one_thread {
    box_builder b;
    uint64_t g1, g2, m, p;
    std::string path = "/tmp/gossamer-stall-test." + std::to_string(getpid());

    one_thread() {
        g1 = b.add_g({.id = 1, .status = running, .name = "hog"});
        g2 = b.add_g({.id = 2, .status = running});
        m = b.add_m({.number = 1, .tid = 101, .curg = g1});
        p = b.add_p({.id = 3, .status = 1, .m = m, .queue = {g2, g2}, .turn = 10, .tick = 5});
        b.put(m + 8, p);
        b.write(path);
    }
    ~one_thread() { unlink(path.c_str()); }
    template <class T>
    void set(uint64_t address, T value) {
        insp_test::overwrite(path, address, value);
    }
};

struct notes : insp::stall_watch::listener {
    std::vector<int64_t> reports;  // ms since it began
    std::vector<stall> over;
    void goes_on(stall& s, int64_t now) override { reports.push_back((now - s.since_ns) / kMs); }
    void ended(const stall& s, int64_t) override { over.push_back(s); }
};

}  // namespace

TEST_CASE("a goroutine that stands still is told of after once, twice, four times the limit, and when it is over") {
    one_thread box;
    auto t = insp::target::open(box.path);
    insp::stall_watch w(*t, 10 * kMs);
    notes n;
    for (int i = 0; i <= 50; i++) w.look(kStart + i * kMs, n);
    CHECK(n.reports == std::vector<int64_t>{10, 20, 40});
    CHECK(n.over.empty());
    box.set(box.p + 40, uint32_t(11));  // P.turn: it made a pick
    w.look(kStart + 51 * kMs, n);
    REQUIRE(n.over.size() == 1);
    CHECK(n.over[0].g == 1);
    CHECK(n.over[0].processor == 3);
    CHECK(n.over[0].most_queued == 2);
    CHECK(n.over[0].lost_ns == 0);
}

TEST_CASE("one that gives way is no stall: another goroutine, another pick, another slice") {
    one_thread box;
    auto t = insp::target::open(box.path);
    insp::stall_watch w(*t, 10 * kMs);
    notes n;
    for (int i = 0; i <= 60; i++) {
        if (i % 9 == 0) box.set(box.m + 16, i % 2 == 0 ? box.g1 : box.g2);
        if (i % 9 == 3) box.set(box.p + 40, uint32_t(i));
        if (i % 9 == 6) box.set(box.p + 44, uint32_t(i));
        w.look(kStart + i * kMs, n);
    }
    w.finish(kStart + 61 * kMs, n);
    CHECK(n.reports.empty());
    CHECK(n.over.empty());
}

TEST_CASE("a stall goes on when the monitor takes the processor, and ends when the goroutine has one again") {
    one_thread box;
    auto t = insp::target::open(box.path);
    insp::stall_watch w(*t, 10 * kMs);
    notes n;
    for (int i = 0; i <= 30; i++) {
        if (i == 15) box.set(box.m + 8, uint64_t(0));
        if (i == 25) box.set(box.m + 8, box.p);
        w.look(kStart + i * kMs, n);
    }
    REQUIRE(n.over.size() == 1);
    CHECK(n.over[0].lost_ns == kStart + 15 * kMs);
    CHECK(n.over[0].processor == 3);
    CHECK(n.reports == std::vector<int64_t>{10, 20});
}

TEST_CASE("announced calls, sleeping threads and plain ones are no stalls; what lasts at the end is told") {
    one_thread box;
    auto t = insp::target::open(box.path);
    insp::stall_watch w(*t, 10 * kMs);
    notes n;
    for (uint64_t flag : {40u, 41u, 43u}) {  // is_thread, parked, blocking
        box.set(box.m + flag, uint8_t(1));
        for (int i = 0; i <= 30; i++) w.look(kStart + i * kMs, n);
        box.set(box.m + flag, uint8_t(0));
    }
    CHECK(n.reports.empty());
    for (int i = 100; i <= 112; i++) w.look(kStart + i * kMs, n);
    w.finish(kStart + 113 * kMs, n);
    CHECK(n.over.size() == 1);
}

TEST_CASE("the cause is judged from what the kernel tells") {
    insp::thread_times none, before{true, 0, 0, 5}, ran{true, 40'000'000, 0, 5},
        starved{true, 1'000'000, 39'000'000, 6};
    insp::thread_times waits_still{true, 1'000'000, 0, 5}, slept{true, 1'000'000, 0, 9};
    insp::kernel_look calls, runs, tells_nothing;
    calls.known = runs.known = runs.is_running = true;
    calls.call = 0;
    calls.state = 'S';
    runs.state = 'R';
    CHECK(judge(calls, false, true, before, ran, 40 * kMs) == stall_cause::call);
    CHECK(judge(calls, true, true, before, ran, 40 * kMs) == stall_cause::runtime);
    CHECK(judge(runs, false, true, before, ran, 40 * kMs) == stall_cause::computes);
    CHECK(judge(runs, false, true, none, none, 40 * kMs) == stall_cause::computes);
    CHECK(judge(runs, false, true, before, starved, 40 * kMs) == stall_cause::starved);
    CHECK(judge(runs, false, true, before, waits_still, 40 * kMs) == stall_cause::starved);
    CHECK(judge(runs, false, true, before, slept, 40 * kMs) == stall_cause::computes);
    CHECK(judge(runs, true, true, before, ran, 40 * kMs) == stall_cause::runtime);
    CHECK(judge(runs, false, false, before, ran, 40 * kMs) == stall_cause::scheduler);
    CHECK(judge(tells_nothing, false, true, none, none, 40 * kMs) == stall_cause::unknown);
}

TEST_CASE("system calls have names and arguments; of the file that is meant, too") {
    CHECK(insp::syscall_name(SYS_read) == "read");
    CHECK(insp::syscall_name(SYS_clock_nanosleep) == "clock_nanosleep");
    CHECK(insp::syscall_name(SYS_futex) == "futex");
    CHECK(insp::syscall_name(SYS_openat) == "openat");
    CHECK(insp::syscall_name(SYS_statx) == "statx");
    CHECK(insp::syscall_name(9999) == "syscall 9999");
    CHECK(insp::syscall_name(-1) == "syscall -1");
    CHECK(insp::syscall_minds_a_stop(SYS_epoll_pwait));
    CHECK_FALSE(insp::syscall_minds_a_stop(SYS_read));
    insp::kernel_look look;
    look.call = SYS_read;
    look.arguments[0] = 4'000'000;  // no such descriptor
    look.arguments[1] = 0x7f0000001000;
    look.arguments[2] = 4096;
    CHECK(insp::syscall_text(look, uint32_t(getpid())) == "read(4000000, 0x7f0000001000, 4096)");
    look.call = SYS_openat;
    look.arguments[0] = 0xffffff9c;
    CHECK(insp::syscall_text(look, uint32_t(getpid())).starts_with("openat(-100, 0x7f0000001000"));
}

TEST_CASE("a thread of this process is seen where it is") {
    insp::kernel_look look = insp::look_at_thread(uint32_t(getpid()), uint64_t(getpid()));
    CHECK(look.state != '?');
    insp::kernel_look nobody = insp::look_at_thread(0x3ffffff0, 1);
    CHECK_FALSE(nobody.known);
    CHECK(nobody.state == '?');
    insp::thread_clocks clocks(static_cast<uint32_t>(getpid()));
    CHECK_FALSE(clocks.read(1).known);
}
