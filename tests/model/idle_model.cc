// SPDX-License-Identifier: BSL-1.0
// idle: the last one to search goes to sleep while work is made; a P is taken from a thread that blocks, and the thread comes back.
// sched/idle.h, idle.cc, loop/find_runnable.cc, sched/current.cc (want_p), sched/handshake.cc, timer/timer_heap.cc (announce).
#include <doctest/doctest.h>

#include "runtime/loop/find_runnable.h"
#include "runtime/loop/steal.h"
#include "runtime/netpoll/netpoll.h"
#include "runtime/park/syscall.h"
#include "runtime/sched/handshake.h"
#include "runtime/sched/mcall.h"
#include "runtime/sched/spawn.h"
#include "runtime/timer/timer_heap.h"
#include "tests/model/support.h"
#include "tests/model/world.h"

namespace {

struct idle_world {
    // The poller of the model: one word to sleep on.
    gossamer::rt::atomic<uint32_t> broken_off{0};
    gossamer::rt::atomic<uint32_t> never{0};  // for who blocks for ever
    gossamer::rt::G* made[2] = {};
    gossamer::rt::atomic<unsigned> ran{0};
    gossamer::rt::timer alarm;
    gossamer::rt::atomic<uint32_t> started{0};  // threads beyond those that are there from the beginning
    gossamer::rt::M* to_start[2] = {};
};
idle_world* w;

}  // namespace

namespace gossamer::rt {

// A thread that has waited for it since the beginning.
int os::start_thread(void (*)(void*), void* m, const char*) {
    uint32_t n = w->started.load();
    model::require(n < 2, "a model has two spare threads");
    w->to_start[n] = static_cast<M*>(m);
    w->started.store(n + 1);
    model::futex_wake(&w->started, 2);
    return 0;
}

// runtime/netpoll: no descriptors, a sleeper and a break.
bool netpoll_active() { return false; }
unsigned netpoll(int64_t, G** list) {
    *list = nullptr;
    while (w->broken_off.exchange(0) == 0) model::futex_wait(&w->broken_off, 0);
    return 0;
}
void netpoll_break() {
    if (w->broken_off.exchange(1) == 0) model::futex_wake(&w->broken_off, 1);
}

// loop/steal.cc without its patience: one look at each other P, a seizure where there is work, half of it.
G* steal(M* m) {
    struct loot {
        g_batch gs;
    };
    for (unsigned i = 0; i < sched.procs.load(); i++) {
        P* p = p_at(i);
        M* v = p->m.load();
        if (p == m->p || v == nullptr || p->queued() == 0) continue;
        loot l;
        auto take = [](M*, P* p, void* arg) { take_half(p, false, &static_cast<loot*>(arg)->gs); };
        if (!seize(v, p, take, &l) || l.gs.count == 0) continue;
        for (unsigned k = 1; k < l.gs.count; k++) put_tail(m->p, l.gs.gs[k]);
        return l.gs.gs[0];
    }
    model::spin();
    return nullptr;
}

}  // namespace gossamer::rt

using namespace gossamer;
using namespace gossamer::rt;

namespace {

void block_for_ever() {
    model::may_sleep();
    model::futex_wait(&w->never, 0);
}

void runs() { w->ran.fetch_add(1); }

// Makes two goroutines, the first of which is displaced into the ring, and blocks where nobody sees it.
void makes_two() {
    {
        in_runtime scope;
        for (G* g : w->made) start_g(g);
    }
    block_for_ever();
}

// As m_main().
void loop(M& m) {
    for (;;) {
        model::may_sleep();
        G* g = find_runnable(&m);
        model::may_sleep(false);
        execute(&m, g);
    }
}

// What start_m() may start.
void spare_threads() {
    for (unsigned i = 0; i < 2; i++)
        model::thread_on(i == 0 ? "spare" : "second spare", nullptr, [i] {
            model::may_sleep();
            for (uint32_t n; (n = w->started.load()) <= i;) model::futex_wait(&w->started, n);
            M* m = w->to_start[i];
            model::learn_thread(*m);
            arch::store_current_m(m);
            if (P* p = m->given.exchange(nullptr)) hold(m, p);
            loop(*m);
        });
}

void begin(unsigned procs) {
    model::new_world(procs);
    w = &model::make<idle_world>();
    sched.on_new_deadline = on_new_deadline;
    model::name(&w->broken_off, "break");
    model::name(&sched.someone_polls, "someone_polls");
    model::name(&sched.poll_until, "poll_until");
    for (G*& g : w->made) g = &model::goroutine(runs);
}

// idle.h, invariant 2: no work lies in a queue while every M sleeps.
void check_stranded() {
    model::require(sched.global.size() == 0, "idle 2: work is stranded in the global queue");
    for (unsigned i = 0; i < sched.procs.load(); i++)
        model::require(p_at(i)->queued() == 0, "idle 2: work is stranded in a ring");
    model::require(sched.spinning.load() == 0, "nobody counts as searching");
}

// One M makes work, another has just found nothing.
void make_and_sleep() {
    begin(2);
    M& maker = model::scheduler_m(0);
    M& sleeper = model::scheduler_m(1);
    G& g = model::goroutine(makes_two);
    model::thread_on("maker", &maker, [&maker, &g] { execute(&maker, &g); });
    model::thread_on("sleeper", &sleeper, [&sleeper] { loop(sleeper); });
    spare_threads();
    model::at_end([] {
        check_stranded();
        model::require(w->ran.load() >= 1, "what was in the ring has run");
    });
}

// The same from a plain thread, which holds no P.
void make_outside_and_sleep() {
    begin(1);
    M& sleeper = model::scheduler_m(0);
    model::thread_on("sleeper", &sleeper, [&sleeper] { loop(sleeper); });
    model::plain_thread("plain thread", [] {
        in_runtime scope;
        start_g(w->made[0]);
    });
    spare_threads();
    model::at_end([] {
        check_stranded();
        model::require(w->ran.load() == 1, "it has run");
    });
}

// A timer is armed while the only M falls asleep in the poller: it sleeps no longer than until then.
void arm_and_sleep() {
    begin(1);
    M& sleeper = model::scheduler_m(0);
    model::thread_on("sleeper", &sleeper, [&sleeper] { loop(sleeper); });
    model::plain_thread("arms", [] {
        w->alarm.fire = [](timer*, int64_t) {};
        in_runtime scope;
        arm(&w->alarm, 5'000'000'000);
    });
    model::at_end([] {
        check_stranded();
        model::require(sched.poll_until.load() <= 5'000'000'000,
                       "timer_heap: who sleeps in the poller knows the earliest deadline");
    });
}

// A goroutine goes to sleep until then, on one of two Ms that both find nothing to do: the one in the poller knows, whichever it is.
void sleep_and_sleep() {
    begin(2);
    M& first = model::scheduler_m(0);
    M& second = model::scheduler_m(1);
    G& g = model::goroutine([] {
        in_runtime scope;
        park(
            [](G* g, void*) {
                arm_sleeper(g, 5'000'000'000);
                return true;
            },
            nullptr, wait_reason::sleep);
    });
    model::thread_on("first", &first, [&first, &g] {
        execute(&first, &g);
        loop(first);
    });
    model::thread_on("second", &second, [&second] { loop(second); });
    model::at_end([] {
        check_stranded();
        model::require(sched.someone_polls.load() && sched.poll_until.load() <= 5'000'000'000,
                       "timer_heap: who sleeps in the poller knows the earliest deadline");
    });
}

// sysmon.cc's take_p() and retake().
void take_p(M* victim, P* p, void*) {
    victim->old_p = p;
    victim->p = nullptr;
    victim->attention.fetch_or(kTaken);
    p->m.store(nullptr);
}

void monitor(M& victim) {
    model::plain_thread("monitor", [&victim] {
        in_runtime scope;
        P* p = p_at(0);
        if (p->m.load() == &victim && seize(&victim, p, take_p, nullptr)) start_m(p, false);
    });
}

// Enters twice; in between it is outside, where its P may be taken.
void goes_out_and_in() {
    for (int i = 0; i < 2; i++) {
        in_runtime scope;
        M* m = current_m();
        model::require(m->p != nullptr && m->p->m.load() == m, "P 1: who is inside holds its P");
        m->p->own_picks++;  // plain memory of the P
    }
    w->ran.fetch_add(1);
}

// The monitor takes the P of an M that is outside and gives it to a second M; the first comes back without one.
void take_and_come_back() {
    begin(1);
    M& first = model::scheduler_m(0);
    M& second = model::idle_m();
    G& g = model::goroutine(goes_out_and_in);
    put_next(p_at(0), w->made[0]);
    model::thread_on("first", &first, [&first, &g] {
        execute(&first, &g);
        loop(first);
    });
    model::thread_on("second", &second, [&second] { loop(second); });
    monitor(first);
    spare_threads();
    model::at_end([&first, &second] {
        check_stranded();
        model::require(w->ran.load() == 2, "both goroutines have run to their end");
        model::require((first.p != nullptr) + (second.p != nullptr) <= 1, "one P has one holder");
    });
}

// It says itself that it blocks.
void blocks() {
    begin_blocking();
    end_blocking();
    in_runtime scope;
    M* m = current_m();
    model::require(m->p != nullptr && m->p->m.load() == m, "P 1: who is inside holds its P");
    w->ran.fetch_add(1);
}

void blocks_and_comes_back() {
    begin(1);
    M& first = model::scheduler_m(0);
    M& second = model::idle_m();
    G& g = model::goroutine(blocks);
    put_next(p_at(0), w->made[0]);
    model::thread_on("first", &first, [&first, &g] {
        execute(&first, &g);
        loop(first);
    });
    model::thread_on("second", &second, [&second] { loop(second); });
    spare_threads();
    model::at_end([] {
        check_stranded();
        model::require(w->ran.load() == 2, "both goroutines have run to their end");
    });
}

// The monitor lays hands on its P meanwhile: one of the two gives it away.
void blocks_while_watched() {
    begin(1);
    M& first = model::scheduler_m(0);
    G& g = model::goroutine(blocks);
    model::thread_on("first", &first, [&first, &g] {
        execute(&first, &g);
        loop(first);
    });
    monitor(first);
    spare_threads();
    model::at_end([] {
        check_stranded();
        model::require(w->ran.load() == 1, "the goroutine has run to its end");
    });
}

}  // namespace

TEST_CASE("idle: who makes work and who falls asleep: one of them sees the other [idle 2, 4]") {
    model::must_hold("idle, work in a ring", {1, 1}, make_and_sleep);
    model::must_hold("idle, work from outside", {1, 1}, make_outside_and_sleep);
}

TEST_CASE("idle: a deadline that comes while an M falls asleep in the poller [timer_heap]") {
    model::must_hold("idle, a deadline", {3, 2}, arm_and_sleep);
    model::must_hold("idle, two Ms and a deadline", {2, 1}, sleep_and_sleep);
}

TEST_CASE("handshake: a P is taken from a thread that is outside, and the thread comes back [handshake 1, P 1, 2]") {
    model::must_hold("handshake, taken", {1, 0}, take_and_come_back);
    model::must_hold("handshake, given up", {1, 0}, blocks_and_comes_back);
    model::must_hold("handshake, given up or taken", {1, 0}, blocks_while_watched);
}

TEST_CASE("idle, handshake: planted bugs are found") {
    using enum model::fault;
    const char* heavy = "void heavy_fence() { model::heavy_fence(); }";
    model::must_find("idle, work in a ring", {1, 1}, make_and_sleep,
                     {
                         {"tests/model/world.cc", heavy, skipped},
                         {"runtime/base/atomic.h", "std::atomic_signal_fence(", skipped},
                         {"runtime/sched/idle.cc", "sched.idle_ps.fetch_add(1);", skipped},
                     });
    model::must_find("idle, work from outside", {1, 1}, make_outside_and_sleep,
                     {
                         {"runtime/base/atomic.h", "std::atomic_thread_fence(", skipped},
                         {"runtime/sched/global_queue.cc", "size_.store(size_.load(relaxed) + n)", skipped},
                     });
    model::must_find(
        "idle, a deadline", {3, 2}, arm_and_sleep,
        {
            {"runtime/base/atomic.h", "std::atomic_thread_fence(", skipped},
            {"runtime/loop/find_runnable.cc", "sched.poll_until.store(kNoDeadline);", skipped},
            {"runtime/timer/timer_heap.cc", "earliest_.store(size_ == 0 ? kNever : a_[0].when, relaxed);", skipped},
        });
    model::must_find("idle, two Ms and a deadline", {2, 1}, sleep_and_sleep,
                     {
                         {"runtime/base/atomic.h", "std::atomic_thread_fence(", skipped},
                         {"runtime/loop/find_runnable.cc", "sched.poll_until.store(until);", skipped},
                     });
    model::must_find("handshake, taken", {1, 1}, take_and_come_back,
                     {
                         {"tests/model/world.cc", heavy, skipped},
                         {"runtime/base/atomic.h", "std::atomic_signal_fence(", skipped},
                         {"runtime/sched/handshake.cc", "attention.fetch_or(kSeizing)", skipped},
                         {"runtime/sched/handshake.cc", "in_runtime.load(acquire) == 0", relaxed},
                     });
    model::must_find("handshake, given up or taken", {1, 1}, blocks_while_watched,
                     {
                         {"tests/model/world.cc", heavy, skipped},
                         {"runtime/sched/handshake.cc", "attention.fetch_or(kSeizing)", skipped},
                         {"runtime/park/syscall.cc", "attention.fetch_or(kTaken)", skipped},
                     });
}
