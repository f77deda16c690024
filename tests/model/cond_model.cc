// SPDX-License-Identifier: BSL-1.0
// cond: signals and broadcasts that meet waiters between letting go of the lock and sleep. lib/sync/cond.cc, the mutex, park/park.h.
#include <doctest/doctest.h>

#include "gossamer/cond.h"
#include "gossamer/mutex.h"
#include "tests/model/support.h"
#include "tests/model/world.h"

using namespace gossamer;

namespace {

struct cond_world {
    mutex mu;
    cond changed{mu};
    int items = 0, taken = 0;
};

cond_world& begin() {
    model::new_world(0);
    return model::make<cond_world>();
}

void taker(const char* name, cond_world& w) {
    model::plain_thread(name, [&w] {
        w.mu.lock();
        w.changed.wait([&] { return w.items > 0; });
        w.items--;
        w.taken++;
        w.mu.unlock();
    });
}

void all_taken(cond_world& w, int n) {
    model::at_end([&w, n] { model::require(w.taken == n && w.items == 0, "each took one"); });
}

// The signal comes with the lock held, or after it.
void one_signal(bool inside) {
    cond_world& w = begin();
    taker("takes", w);
    model::plain_thread("puts", [&w, inside] {
        w.mu.lock();
        w.items++;
        if (inside) w.changed.signal();
        w.mu.unlock();
        if (!inside) w.changed.signal();
    });
    all_taken(w, 1);
}
void signal_inside() { one_signal(true); }
void signal_outside() { one_signal(false); }

// Two wait, and there is one signal for each.
void two_signals() {
    cond_world& w = begin();
    taker("one takes", w);
    taker("two takes", w);
    model::plain_thread("puts", [&w] {
        for (int i = 0; i < 2; i++) {
            w.mu.lock();
            w.items++;
            w.mu.unlock();
            w.changed.signal();
        }
    });
    all_taken(w, 2);
}

void one_broadcast() {
    cond_world& w = begin();
    taker("one takes", w);
    taker("two takes", w);
    model::plain_thread("puts", [&w] {
        w.mu.lock();
        w.items = 2;
        w.mu.unlock();
        w.changed.broadcast();
    });
    all_taken(w, 2);
}

// Two who wake the same waiter: one of them does.
void signal_and_broadcast() {
    cond_world& w = begin();
    taker("takes", w);
    model::plain_thread("puts", [&w] {
        w.mu.lock();
        w.items++;
        w.mu.unlock();
        w.changed.signal();
    });
    model::plain_thread("broadcasts", [&w] { w.changed.broadcast(); });
    all_taken(w, 1);
}

}  // namespace

TEST_CASE("cond: a signal that comes after the lock was let go is not lost [cond 1, 2]") {
    model::must_hold("cond, signal inside", {3, 1}, signal_inside);
    model::must_hold("cond, signal outside", {3, 1}, signal_outside);
    model::must_hold("cond, two signals", {1, 1}, two_signals);
    model::must_hold("cond, one broadcast", {2, 0}, one_broadcast);
    model::must_hold("cond, signal and broadcast", {2, 1}, signal_and_broadcast);
}

TEST_CASE("cond: planted bugs are found") {
    using enum model::fault;
    model::must_find("cond, signal outside", {3, 1}, signal_outside,
                     {
                         {"lib/sync/cond.cc", "now.exchange(phase::woken)", split},
                         {"lib/sync/cond.cc", "now.exchange(phase::woken)", skipped},
                         {"lib/sync/cond.cc", "compare_exchange_strong(queued, phase::asleep)", blind},
                         {"lib/sync/cond.cc", "compare_exchange_strong(queued, phase::asleep)", split},
                     });
}
