// SPDX-License-Identifier: BSL-1.0
// Each counter counts the thing that it is named after. Where only others can make it happen (a thief, the monitor), the work is repeated until
// they have.
#include "runtime/debug/metrics.h"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <mutex>
#include <thread>

#include "gossamer/chan.h"
#include "gossamer/go.h"
#include "gossamer/mutex.h"
#include "gossamer/runtime.h"
#include "gossamer/time.h"
#include "gossamer/wait_group.h"
#include "runtime/loop/start.h"
#include "runtime/netpoll/poll_desc.h"
#include "runtime/os/lock.h"
#include "runtime/os/note.h"
#include "runtime/sched/handshake.h"
#include "runtime/sched/idle.h"
#include "tests/support/harness.h"
#include "tests/support/with_procs.h"

using namespace gossamer;
using namespace gossamer::rt;
using namespace std::chrono_literals;

namespace {

uint64_t now(event e) { return sum_counts().of(e); }

// Grows from the moment at which it was made.
struct growth {
    event e;
    uint64_t before;
    explicit growth(event e) : e(e), before(now(e)) {}
    uint64_t by() const { return now(e) - before; }
};

void compute_until(const std::atomic<int>& word, int value) {
    while (word.load(std::memory_order_relaxed) < value) {
    }
}

// Work until it has been counted. Bounded as all waits are.
template <class F>
bool until_counted(const growth& g, F work) {
    auto give_up = std::chrono::steady_clock::now() + tests::kLongestWait;
    while (g.by() == 0 && std::chrono::steady_clock::now() < give_up) work();
    return g.by() != 0;
}

}  // namespace

TEST_CASE("goroutines are counted when they start, and alive until they end") {
    totals before = sum_counts();
    chan<int> gate;
    tests::on_goroutine([&] {
        wait_group wg;
        for (int i = 0; i < 100; i++) wg.go([&] { gate.recv(); });
        totals during = sum_counts();
        CHECK(during.created - before.created == 101);
        CHECK(during.alive - before.alive == 101);
        gate.close();
        wg.wait();
    });
    CHECK(tests::eventually([&] { return sum_counts().alive == before.alive; }));
    CHECK(sum_counts().created - before.created == 101);
}

TEST_CASE("a thread counts for itself, and what it has counted stays when it has ended") {
    start_runtime();
    growth waits(event::lock_wait);
    for (int i = 0; i < 3; i++)
        std::thread([] {
            count(event::lock_wait, 5);  // not known to the runtime yet: nowhere to count
            in_runtime scope;
            count(event::lock_wait, 7);
        }).join();
    CHECK(waits.by() == 21);
}

TEST_CASE("who finds a lock taken is counted, and again when it gives its CPU away") {
    start_runtime();
    lock l{lock_rank::sync};
    growth waits(event::lock_wait), yields(event::lock_yield);
    std::thread other;
    {
        in_runtime scope;
        l.acquire_lock();
        other = std::thread([&] {
            in_runtime inside;
            lock_guard guard(l);
        });
        CHECK(tests::eventually([&] { return waits.by() >= 1 && yields.by() >= 1; }));
        l.release_lock();
    }
    other.join();
}

TEST_CASE("sleeping and waking threads are counted") {
    start_runtime();
    note n;
    growth sleeps(event::sleep), wakes(event::wake);
    std::thread other([&] {
        { in_runtime attached; }
        n.sleep();
    });
    CHECK(tests::eventually([&] { return sleeps.by() >= 1; }));
    { in_runtime attached; }
    n.wake();
    CHECK(wakes.by() >= 1);
    other.join();
}

TEST_CASE("a wake-up that another waker is ahead with is counted as lost") {
    growth lost(event::lost_wake);
    in_runtime scope;
    sched.spinning.fetch_add(1);
    wake_one();
    sched.spinning.fetch_sub(1);
    CHECK(lost.by() >= 1);
}

TEST_CASE("handshakes are counted, and those that found the thread inside") {
    start_runtime();
    P p;
    M* m = attach_thread();
    enter();
    m->p = &p;
    auto nothing = [](M*, P*, void*) {};
    growth all(event::handshake), refused(event::refused_handshake), fences(event::fence);
    CHECK_FALSE(seize(m, &p, nothing, nullptr));
    CHECK(all.by() >= 1);
    CHECK(refused.by() >= 1);
    if (os::has_heavy_fence()) CHECK(fences.by() >= 1);
    m->p = nullptr;
    leave();
}

TEST_CASE("work taken from a goroutine that computes is counted as stolen") {
    tests::with_procs two(2);
    growth steals(event::steal), stolen(event::stolen_g), searches(event::search);
    CHECK(until_counted(steals, [] {
        tests::on_goroutine([] {
            std::atomic<int> ran{0};
            for (int i = 0; i < 8; i++) go([&] { ran++; });
            compute_until(ran, 8);
        });
    }));
    CHECK(stolen.by() >= steals.by());
    CHECK(searches.by() >= 1);
}

TEST_CASE("a searcher that is answered, and one that finds nothing, are counted") {
    tests::with_procs two(2);
    growth shares(event::share), empty(event::empty_search);
    auto crowd = [] {
        tests::on_goroutine([] {
            wait_group wg;
            for (int i = 0; i < 32; i++)
                wg.go([] {
                    for (int k = 0; k < 100; k++) yield();
                });
            wg.wait();
        });
    };
    CHECK(until_counted(shares, crowd));
    CHECK(until_counted(empty, crowd));
}

TEST_CASE("a processor taken from a thread that blocks is counted") {
    tests::with_procs one(1);
    growth retakes(event::retake);
    CHECK(until_counted(retakes, [] {
        tests::on_goroutine([] {
            timespec t{0, 50'000'000};  // a calm monitor looks once in 10 ms, and has to look twice
            nanosleep(&t, nullptr);
        });
    }));
}

TEST_CASE("a goroutine that is asked to give way after its slice is counted") {
    tests::with_procs one(1);
    growth preemptions(event::preemption);
    CHECK(until_counted(preemptions, [] {  // a searcher of before may still have a processor, and be faster
        tests::on_goroutine([] {
            std::atomic<int> ran{0};
            go([&] { ran = 1; });
            compute_until(ran, 1);
        });
    }));
}

TEST_CASE("processors that are put aside are counted") {
    growth idle(event::idle_p);
    CHECK(until_counted(idle, [] { tests::on_goroutine([] {}); }));
}

TEST_CASE("a queue that overflows, and what goes through the global one, are counted") {
    tests::with_procs one(1);
    growth overflows(event::ring_overflow), puts(event::global_put), put_gs(event::global_put_g),
        gets(event::global_get), got(event::global_got_g), batches(event::g_batch);
    CHECK(until_counted(overflows, [] {
        tests::on_goroutine([] {
            wait_group wg;
            for (int i = 0; i < 2000; i++) wg.go([] {});
            wg.wait();
        });
    }));
    CHECK(puts.by() >= overflows.by());
    CHECK(put_gs.by() >= overflows.by() * (kRingSize / 2 + 1));
    CHECK(gets.by() >= put_gs.by() / kGlobalBatch);
    CHECK(got.by() == put_gs.by());
    CHECK(batches.by() >= 2);
}

TEST_CASE("stacks that come from and go to the central list are counted in batches") {
    growth batches(event::stack_batch);
    tests::on_goroutine([] {
        chan<int> gate;
        wait_group wg;
        for (unsigned i = 0; i < 8 * kStackCacheMax; i++) wg.go([&] { gate.recv(); });
        for (int i = 0; i < 100; i++) yield();
        gate.close();
        wg.wait();
    });
    CHECK(batches.by() >= 2);
}

TEST_CASE("a mutex that has to be queued for is counted") {
    mutex m;
    growth waits(event::mutex_wait);
    m.lock();
    tests::on_goroutine([&] {
        wait_group wg;
        wg.go([&] { std::lock_guard guard(m); });
        CHECK(tests::eventually([&] { return waits.by() >= 1; }));
        m.unlock();
        wg.wait();
    });
}

TEST_CASE("sleepers whose time has come, and sleeps in the poller, are counted") {
    growth timers(event::timer_run), sleeps(event::poller_sleep);
    CHECK(until_counted(sleeps, [] { tests::on_goroutine([] { sleep(1ms); }); }));
    uint64_t before = timers.by();
    tests::on_goroutine([] {
        for (int i = 0; i < 10; i++) sleep(1us);
    });
    CHECK(timers.by() - before == 10);
}

TEST_CASE("an earlier deadline interrupts the sleeper in the poller, which is counted") {
    growth wakes(event::poller_wake);
    gossamer::timer far = after_func(1h, [] {});
    CHECK(until_counted(wakes, [] {
        tests::on_goroutine([] { sleep(1ms); });  // somebody sleeps until the far deadline when it is over
        gossamer::timer nearer = after_func(30min, [] {});
        nearer.stop();
    }));
    far.stop();
}

TEST_CASE("looks at the poller and those whom it wakes are counted") {
    tests::with_procs one(1);
    growth polls(event::poll), polled(event::polled_g);
    tests::on_goroutine([&] {
        int fds[2];
        REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) == 0);
        poll_desc* desc;
        REQUIRE(poll_open(fds[0], &desc) == 0);
        wait_group wg;
        wg.go([&] {
            char byte;
            while (::recv(fds[0], &byte, 1, MSG_DONTWAIT) != 1)
                if (poll_wait(desc, direction::read) != poll_status::ready) break;
        });
        CHECK(until_counted(polls, [] { yield(); }));  // the reader waits, so each 64th pick looks
        CHECK(::write(fds[1], "x", 1) == 1);
        wg.wait();
        CHECK(polled.by() >= 1);
        poll_evict(desc);
        poll_close(desc);
        ::close(fds[0]);
        ::close(fds[1]);
    });
}
