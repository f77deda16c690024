// SPDX-License-Identifier: BSL-1.0
// timer: stop against run, stop against a heap that moves, and who is armed while an M falls asleep. timer/timer_heap.cc, timer.cc.
#include <doctest/doctest.h>

#include "tests/model/support.h"
#include "tests/model/world.h"

#include "runtime/timer/timer_heap.cc"  // its table of heaps is its own

using namespace gossamer;
using namespace gossamer::rt;

namespace gossamer::model {

// Heaps of the last execution.
void forget_timers() {
    for (auto& slot : heaps) {
        if (timer_heap* h = slot.load()) h->~timer_heap();
        slot.store(nullptr);
        if (&slot == &heaps[3]) break;  // no model has more Ps
    }
}

}  // namespace gossamer::model

namespace {

struct timer_world {
    timer t;
    int fired = 0;
    bool stopped = false;
    int payload = 0;  // the owner's; the function reads it
};

void fire(timer* t, int64_t) { static_cast<timer_world*>(t->arg)->fired++; }

timer_world& a_timer() {
    model::new_world(0);
    make_ps(2);
    auto& w = model::make<timer_world>();
    w.t.fire = fire;
    w.t.arg = &w;
    model::name(&w.t.heap, "timer's heap");
    model::name(&p_at(0)->next_deadline, "deadline of P 0");
    return w;
}

void check_timer(timer_world& w) {
    model::require(w.fired + w.stopped == 1, "timer 2: fired once, or stopped");
    model::require(!pending(&w.t) && pending_timers() == 0, "timer 1: in no heap afterwards");
    for (unsigned i = 0; i < 2; i++)
        model::require(next_deadline(i) == kNever, "timer_heap 2: no deadline without a timer");
}

// Armed by a plain thread, so in the heap of P 0. Two may run what is due.
void stop_and_run() {
    timer_world& w = a_timer();
    for (const char* who : {"runs", "runs too"})
        model::plain_thread(who, [] {
            in_runtime scope;
            run_due(0, 100);
        });
    model::plain_thread("owner", [&w] {
        in_runtime scope;
        w.payload = 1;
        arm(&w.t, 50);
        w.stopped = stop(&w.t);
    });
    model::at_end([&w] {
        if (pending(&w.t)) run_due(0, 100);
        check_timer(w);
    });
}

// The heap's P is let go: its timers move while the owner stops one.
void stop_and_move() {
    timer_world& w = a_timer();
    model::plain_thread("owner", [&w] {
        in_runtime scope;
        arm(&w.t, 50);
        w.stopped = stop(&w.t);
    });
    model::plain_thread("moves", [] {
        in_runtime scope;
        move_timers(0, 1);
    });
    model::at_end([&w] { check_timer(w); });
}

// reset() is stop() and arm(): the second deadline is the one that counts, and it fires once.
void reset_and_run() {
    timer_world& w = a_timer();
    model::plain_thread("owner", [&w] {
        in_runtime scope;
        arm(&w.t, 50);
        w.stopped = !reset(&w.t, 60);  // false: it has fired for the first time
    });
    model::plain_thread("runs", [] {
        in_runtime scope;
        run_due(0, 100);
    });
    model::at_end([&w] {
        run_due(0, 100);
        model::require(w.fired == (w.stopped ? 2 : 1), "timer 2: once for each arm() that was not stopped");
        model::require(!pending(&w.t) && pending_timers() == 0, "timer 1: in no heap afterwards");
    });
}

}  // namespace

TEST_CASE("timer: a stop against two who run what is due [timer 1 to 4, timer_heap 2]") {
    model::must_hold("timer, stop and run", {2, 1}, stop_and_run);
    model::must_hold("timer, reset and run", {3, 1}, reset_and_run);
}

TEST_CASE("timer: a stop against a heap that moves to another P") {
    model::must_hold("timer, stop and move", {3, 1}, stop_and_move);
}

TEST_CASE("timer: planted bugs are found") {
    using enum model::fault;
    model::must_find(
        "timer, stop and run", {2, 1}, stop_and_run,
        {
            {"runtime/os/lock.h", "!word_.compare_exchange_strong(free, 1, seq_cst, relaxed)", blind},
            {"runtime/os/lock.h", "word_.store(0, release)", relaxed},
            {"runtime/timer/timer_heap.cc", "heaps[p_number].compare_exchange_strong(expected, made,", relaxed},
            {"runtime/timer/timer_heap.cc", "return heaps[p_number].load(acquire);", relaxed},
        });
    model::must_find(
        "timer, reset and run", {2, 1}, reset_and_run,
        {{"runtime/timer/timer_heap.cc", "earliest_.store(size_ == 0 ? kNever : a_[0].when, relaxed);", skipped}});
    model::must_find("timer, stop and move", {3, 1}, stop_and_move,
                     {{"runtime/timer/timer_heap.cc", "moved[i].t()->heap.store(&to, release);", skipped}});
}
