// SPDX-License-Identifier: BSL-1.0
// What the loop and the monitor promise as a whole: nothing stalls, nothing is stranded, idleness costs nothing.
#include <doctest/doctest.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <thread>
#include <vector>

#include "gossamer/blocking.h"
#include "gossamer/chan.h"
#include "gossamer/go.h"
#include "gossamer/runtime.h"
#include "gossamer/select.h"
#include "gossamer/time.h"
#include "gossamer/wait_group.h"
#include "runtime/sched/migrate.h"
#include "runtime/timer/clock.h"
#include "runtime/timer/sleep.h"
#include "tests/support/harness.h"
#include "tests/support/with_procs.h"

using namespace gossamer;
using namespace std::chrono_literals;
using clock_type = std::chrono::steady_clock;

namespace {

void block_the_thread(std::chrono::nanoseconds d) {
    timespec t{time_t(d.count() / 1'000'000'000), long(d.count() % 1'000'000'000)};
    nanosleep(&t, nullptr);
}

double cpu_seconds() {
    rusage u;
    getrusage(RUSAGE_SELF, &u);
    return double(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + double(u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1e-6;
}

long context_switches() {
    rusage u;
    getrusage(RUSAGE_SELF, &u);
    return u.ru_nvcsw + u.ru_nivcsw;
}

}  // namespace

TEST_CASE("calls that block unannounced overlap, also at one proc [RT7, C17]") {
    tests::with_procs one(1);
    auto began = clock_type::now();
    wait_group wg;
    for (int i = 0; i < 40; i++) wg.go([] { block_the_thread(100ms); });
    wg.wait();
    CHECK(clock_type::now() - began < 2s);  // one after the other they take four
}

TEST_CASE("a goroutine that never enters the runtime does not stop the others, also at one proc [PR3]") {
    tests::with_procs one(1);
    std::atomic<bool> stop{false};
    wait_group wg;
    wg.go([&] {
        while (!stop.load(std::memory_order_relaxed)) {
        }
    });
    tests::on_goroutine([] {
        for (int i = 0; i < 20; i++) sleep(1ms);
    });
    stop = true;
    wg.wait();
}

TEST_CASE("a ping-pong pair in the next slot cannot starve the ring [PR1, C2]") {
    tests::with_procs one(1);
    chan<int> a, b;
    std::atomic<bool> stop{false};
    wait_group wg;
    wg.go([&] {
        while (!stop.load()) {
            a.send(1);
            b.recv();
        }
        a.close();
    });
    wg.go([&] {
        while (a.recv()) b.send(1);
    });
    tests::on_goroutine([] {
        for (int i = 0; i < 3; i++) yield();
    });
    stop = true;
    wg.wait();
}

TEST_CASE("whoever forks and joins without end cannot starve the ring [PR1, C2]") {
    tests::with_procs one(1);
    std::atomic<bool> stop{false};
    wait_group forker;
    forker.go([&] {
        while (!stop.load()) {
            wait_group children;
            for (int i = 0; i < 3; i++) children.go([] {});
            children.wait();
        }
    });
    tests::on_goroutine([] {
        for (int i = 0; i < 3; i++) yield();
    });
    stop = true;
    forker.wait();
}

TEST_CASE("a fork-join tree is walked in few stacks, however long it takes [G3]" * doctest::skip(rt::kMigrate)) {
    tests::with_procs one(1);
    int begun = 0, ended = 0, most = 0;  // one proc, and nobody is preempted: between two parks nobody else runs
    std::function<void(int)> walk = [&](int depth) {
        if (depth == 0) return;
        begun++;
        most = std::max(most, begun - ended);
        wait_group left;
        left.go([&, depth] { walk(depth - 1); });
        walk(depth - 1);
        left.wait();
        ended++;
    };
    tests::on_goroutine([&] { walk(13); });
    MESSAGE("at most begun and not ended: ", most);
    CHECK(most < 100);
}

TEST_CASE("what lies in the global queue has its turn while no ring ever runs dry [C4]") {
    std::atomic<bool> seen{false};
    wait_group wg;
    for (int i = 0; i < 64; i++)
        wg.go([&] {
            while (!seen) yield();
        });
    std::thread outsider([&] { go([&] { seen = true; }); });  // a plain thread has no ring: into the global queue
    outsider.join();
    wg.wait();
}

// With -Dmigrate everyone passes through the next slot, and who is pushed out of it may overflow the ring: no figures of fairness there.
TEST_CASE("more goroutines than a ring holds have the same share of one proc [C2, C4]" * doctest::skip(rt::kMigrate)) {
    tests::with_procs one(1);
    constexpr int kMany = 1000, kMean = 200;
    std::vector<int> turns(kMany);
    std::atomic<int> left{kMany * kMean};
    tests::on_goroutine([&] {  // a plain thread would still be starting the last when the first are through
        wait_group wg;
        for (int i = 0; i < kMany; i++)
            wg.go([&, i] {
                while (left-- > 0) {
                    turns[size_t(i)]++;
                    yield();
                }
            });
        wg.wait();
    });
    CHECK(*std::min_element(turns.begin(), turns.end()) > kMean / 8);
    CHECK(*std::max_element(turns.begin(), turns.end()) < kMean * 8);
}

TEST_CASE("whatever the size of a crowd that yields, nobody in it is passed over [C2, C4]" *
          doctest::skip(rt::kMigrate)) {
    tests::with_procs one(1);
    constexpr int kMean = 60;
    for (int many = 250; many < 1500; many += 25) {
        std::vector<int> turns(static_cast<size_t>(many));
        std::atomic<int> left{many * kMean};
        tests::on_goroutine([&] {  // a plain thread would still be waking the last when the first are through
            chan<int> begin;
            wait_group wg;
            for (int i = 0; i < many; i++)
                wg.go([&, i] {
                    begin.recv();
                    while (left-- > 0) {
                        turns[size_t(i)]++;
                        yield();
                    }
                });
            begin.close();
            wg.wait();
        });
        CAPTURE(many);
        CHECK(*std::min_element(turns.begin(), turns.end()) >= kMean / 2);
        CHECK(*std::max_element(turns.begin(), turns.end()) <= kMean * 2);
    }
}

TEST_CASE("a crowd woken at one moment does not wait for those that have yet to begin [C2, TM1]" *
          doctest::skip(rt::kMigrate)) {
    tests::with_procs one(1);
    constexpr int kFresh = 20'000, kSleepers = 180;
    std::atomic<int> begun{0}, at_first{-1}, at_last{0};
    tests::on_goroutine([&] {
        // A slow machine may not let all of them fall asleep, and all the fresh ones be there, in time: then the moment is one further off.
        for (std::atomic<int> late{1}; late != 0;) {
            wait_group wg;
            begun = at_last = late = 0;
            at_first = -1;
            int64_t due = rt::now_ns() + 10'000'000;
            for (int i = 0; i < kSleepers; i++)
                wg.go([&] {
                    late += rt::now_ns() >= due;
                    rt::sleep_until(due);
                    int none = -1;
                    at_first.compare_exchange_strong(none, begun.load());
                    at_last = begun.load();
                });
            yield();  // they sleep
            late += rt::now_ns() >= due;
            for (int i = 0; i < kFresh; i++)
                wg.go([&] {
                    begun++;
                    for (auto until = clock_type::now() + 1us; clock_type::now() < until;) {
                    }
                });
            late += rt::now_ns() >= due;  // begun after this moment, or they push the woken aside
            wg.wait();
        }
    });
    MESSAGE("fresh ones that ran between the first and the last of the woken: ", at_last - at_first);
    CHECK(at_last - at_first < 1000);
}

TEST_CASE("blocking() hands its processor over at once and takes one again [C18]") {
    tests::with_procs one(1);
    wait_group wg;
    std::atomic<int> inside{0}, most{0};
    for (int i = 0; i < 10; i++)
        wg.go([&] {
            int got = blocking([&] {
                int now = ++inside;
                for (int seen = most.load(); seen < now && !most.compare_exchange_weak(seen, now);) {
                }
                block_the_thread(50ms);
                return --inside;
            });
            CHECK(got >= 0);
        });
    wg.wait();
    CHECK(most.load() > 1);
}

TEST_CASE("the number of procs changes while everything runs; nothing is lost [RT1, RT4]") {
    unsigned cpus = runtime::num_cpu();
    unsigned before = runtime::procs();
    std::atomic<bool> stop{false};
    std::atomic<uint64_t> turns{0};
    wait_group wg;
    for (int i = 0; i < 32; i++)
        wg.go([&] {
            while (!stop.load()) {
                turns++;
                yield();
            }
        });
    for (int i = 0; i < 60; i++) {
        unsigned now = runtime::procs();
        unsigned want = unsigned(1 + i * 7 % 12);
        CHECK(runtime::set_procs(int(want)) == now);
        uint64_t seen = turns.load();
        CHECK(tests::eventually([&] { return turns.load() > seen + 32; }));
    }
    stop = true;
    wg.wait();
    runtime::set_procs(int(before));
    CHECK_THROWS_WITH_AS(runtime::set_procs(0), "runtime::set_procs: 0 is not between 1 and 1024", panic);
    CHECK_THROWS_AS(runtime::set_procs(-3), panic);
    CHECK_THROWS_AS(runtime::set_procs(1'000'000), panic);
    CHECK(runtime::procs() == before);
    CHECK(runtime::num_cpu() == cpus);
}

TEST_CASE("timers of a processor that is let go fire on another") {
    tests::with_procs eight(8);
    wait_group wg;
    for (int i = 0; i < 64; i++) wg.go([] { sleep(30ms); });
    runtime::set_procs(1);
    wg.wait();
}

TEST_CASE("an idle program uses no CPU [C15]") {
    wait_group wg;
    chan<int> quit;
    for (int i = 0; i < 1000; i++) wg.go([&] { quit.recv(); });
    // The monitor gives memory back for some seconds after a peak; idleness begins when it has.
    CHECK(tests::eventually([] {
        double before = cpu_seconds();
        std::this_thread::sleep_for(300ms);
        return cpu_seconds() - before < 0.0003;  // 0.1 % of a core
    }));
    quit.close();
    wg.wait();
}

TEST_CASE("ten thousand timers that are not due wake nobody [C15]") {
    wait_group wg;
    chan<int> quit;
    for (int i = 0; i < 10'000; i++)
        wg.go([&] {
            timer hour(1h);
            select(recv(hour.c), recv(quit));
        });
    CHECK(tests::eventually([] {
        double cpu = cpu_seconds();
        long switches = context_switches();
        std::this_thread::sleep_for(500ms);
        // 0.1 % of a core. One switch is this thread's own; a sanitizer's thread has some; a monitor that looks every 10 ms had fifty.
        return cpu_seconds() - cpu < 0.0005 && context_switches() - switches < 20;
    }));
    quit.close();
    wg.wait();
}

TEST_CASE("plain threads and goroutines hand values to each other without a lost wake-up [RT8, C8]") {
    constexpr int kEach = 5'000;
    chan<int> c, back;
    wait_group wg;
    for (int i = 0; i < 4; i++)
        wg.go([&] {
            for (auto& v : c) back.send(v);
        });
    long sum = 0;
    std::thread sender([&] {
        for (int i = 0; i < kEach; i++) c.send(i);
        c.close();
    });
    for (int i = 0; i < kEach; i++) sum += *back.recv();
    sender.join();
    wg.wait();
    CHECK(sum == long(kEach) * (kEach - 1) / 2);
}
