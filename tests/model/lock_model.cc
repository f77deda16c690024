// SPDX-License-Identifier: BSL-1.0
// lock, note: what is guarded is plain memory; a sleeper and wakes in any order. os/lock.h, os/lock.cc, os/note.cc.
#include <doctest/doctest.h>

#include "runtime/os/lock.h"
#include "runtime/os/note.h"
#include "tests/model/support.h"
#include "tests/model/world.h"

using namespace gossamer;
using namespace gossamer::rt;

namespace {

struct lock_world {
    lock lk{lock_rank::sched};
    int inside = 0;
    int turns = 0;
    int refused = 0;
    note n;
    int message = 0;
};

void take(lock_world& w) {
    model::require(w.inside++ == 0, "one is inside");
    w.turns++;
    w.inside--;
    w.lk.release_lock();
}

void locking(unsigned threads) {
    model::new_world(0);
    auto& w = model::make<lock_world>();
    model::name(&w.lk.word(), "lock");
    static constexpr const char* kNames[] = {"one", "two", "three"};
    for (unsigned i = 0; i < threads; i++)
        model::plain_thread(kNames[i], [&w] {
            w.lk.acquire_lock();
            take(w);
        });
    model::at_end([&w, threads] {
        model::require(w.turns == int(threads), "each had its turn");
        model::require(w.lk.word().load() == 0, "it is free in the end");
    });
}
void two_lock() { locking(2); }
void three_lock() { locking(3); }

void one_tries() {
    model::new_world(0);
    auto& w = model::make<lock_world>();
    model::plain_thread("locks", [&w] {
        w.lk.acquire_lock();
        take(w);
    });
    model::plain_thread("tries", [&w] {
        if (w.lk.try_acquire())
            take(w);
        else
            w.refused = 1;
    });
    model::at_end([&w] { model::require(w.turns + w.refused == 2, "it had its turn, or was refused"); });
}

// Two wakes for one sleep: the second is kept, or joins the first.
void noting() {
    model::new_world(0);
    auto& w = model::make<lock_world>();
    model::plain_thread("sleeper", [&w] {
        w.n.sleep();
        model::require(w.message == 1, "what was done before the wake is seen");
    });
    model::plain_thread("waker", [&w] {
        w.message = 1;
        w.n.wake();
        w.n.wake();
    });
}

}  // namespace

TEST_CASE("lock: one is inside, and who waits gets in [lock]") {
    model::must_hold("lock, two", {}, two_lock);
    model::must_hold("lock, three", {3, 2}, three_lock);
    model::must_hold("lock, one tries", {}, one_tries);
}

TEST_CASE("note: a wake before the sleep is kept") { model::must_hold("note", {}, noting); }

TEST_CASE("lock, note: planted bugs are found") {
    using enum model::fault;
    model::must_find("lock, two", {}, two_lock,
                     {
                         {"runtime/os/lock.h", "word_.store(0, release)", relaxed},
                         {"runtime/os/lock.h", "word_.store(0, release)", skipped},
                         {"runtime/os/lock.h", "!word_.compare_exchange_strong(free, 1, seq_cst, relaxed)", relaxed},
                         {"runtime/os/lock.cc", "word_.compare_exchange_weak(free, 1, seq_cst, relaxed)", relaxed},
                     });
    model::must_find("lock, three", {3, 2}, three_lock,
                     {{"runtime/os/lock.cc", "word_.compare_exchange_weak(free, 1, seq_cst, relaxed)", blind}});
    model::must_find("lock, one tries", {}, one_tries,
                     {{"runtime/os/lock.h", "!word_.compare_exchange_strong(free, 1, acquire, relaxed))", relaxed}});
    model::must_find("note", {}, noting,
                     {
                         {"runtime/os/note.cc", "woken_.exchange(1, release)", relaxed},
                         {"runtime/os/note.cc", "woken_.exchange(0, acquire)", relaxed},
                         {"runtime/os/note.cc", "woken_.exchange(1, release)", skipped},
                     });
}
