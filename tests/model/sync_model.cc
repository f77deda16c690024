// SPDX-License-Identifier: BSL-1.0
// sync: mutex, semaphore and wait group under threads that come at the same time. lib/sync, park/sema.h.
#include <doctest/doctest.h>

#include "gossamer/mutex.h"
#include "gossamer/semaphore.h"
#include "gossamer/wait_group.h"
#include "lib/sync/spin.h"
#include "tests/model/support.h"
#include "tests/model/world.h"

namespace {
bool spinning_pays = false;
}

namespace gossamer::rt {
// lib/sync/spin.h: one round, when the model wants it.
bool worth_spinning(unsigned rounds) { return spinning_pays && rounds == 0; }
void spin_round() { model::spin(); }
}  // namespace gossamer::rt

using namespace gossamer;

namespace {

struct mutex_world {
    mutex mu;
    int inside = 0;
    int turns = 0;
};

// Each takes the mutex so many times; what it guards is plain memory.
void take_turns(unsigned threads, int turns, bool spins, bool starves) {
    model::new_world(0);
    spinning_pays = spins;
    if (starves) model::clock_step = 2'000'000;  // who has waited, has waited too long
    auto& w = model::make<mutex_world>();
    static constexpr const char* kNames[] = {"one", "two", "three"};
    for (unsigned i = 0; i < threads; i++)
        model::plain_thread(kNames[i], [&w, turns] {
            for (int turn = 0; turn < turns; turn++) {
                w.mu.lock();
                model::require(w.inside++ == 0, "one holds it");
                w.turns++;
                w.inside--;
                w.mu.unlock();
            }
        });
    model::at_end([&w, threads, turns] { model::require(w.turns == int(threads) * turns, "each had its turns"); });
}
void two_take_turns() { take_turns(2, 1, false, false); }
void two_twice() { take_turns(2, 2, false, false); }
void two_spin() { take_turns(2, 1, true, false); }
// Who has waited is woken, comes too late, and is owed the lock the next time.
void two_starve() { take_turns(2, 2, false, true); }
void three_take_turns() { take_turns(3, 1, false, false); }

struct semaphore_world {
    semaphore s{1};
    int inside = 0;
    int turns = 0;
};

void one_token() {
    model::new_world(0);
    auto& w = model::make<semaphore_world>();
    for (const char* who : {"one", "two"})
        model::plain_thread(who, [&w] {
            w.s.acquire(1);
            model::require(w.inside++ == 0, "semaphore 1: no more tokens than there are");
            w.turns++;
            w.inside--;
            w.s.release(1);
        });
    model::at_end([&w] {
        model::require(w.turns == 2, "each had its turn");
        model::require(w.s.held() == 0, "all tokens are back");
    });
}

struct group_world {
    wait_group* group = new wait_group;
    int work = 0;
};

// One waits and then ends the group: done() touches it no more.
void wait_and_end() {
    model::new_world(0);
    auto& w = model::make<group_world>();
    w.group->add(1);
    model::plain_thread("waits", [&w] {
        w.group->wait();
        model::require(w.work == 1, "what was done before done() is seen");
        delete w.group;
    });
    model::plain_thread("works", [&w] {
        w.work = 1;
        w.group->done();
    });
}

// Two wait: the first needs no lock, the second does.
void two_wait() {
    model::new_world(0);
    auto& w = model::make<group_world>();
    w.group->add(1);
    for (const char* who : {"one waits", "two waits"})
        model::plain_thread(who, [&w] {
            w.group->wait();
            model::require(w.work == 1, "what was done before done() is seen");
        });
    model::plain_thread("works", [&w] {
        w.work = 1;
        w.group->done();
    });
}

}  // namespace

TEST_CASE("mutex: one holds it at a time, nobody is left asleep [mutex 1 to 4]") {
    model::must_hold("mutex, two", {model::kUnbounded, 2}, two_take_turns);
    model::must_hold("mutex, two, twice each", {2, 1}, two_twice);
    model::must_hold("mutex, two that spin", {3, 1}, two_spin);
    model::must_hold("mutex, two that starve", {2, 1}, two_starve);
    model::must_hold("mutex, three", {2, 0}, three_take_turns);
}

TEST_CASE("semaphore: one token, two who want it [semaphore 1 to 3]") {
    model::must_hold("semaphore", {3, 1}, one_token);
}

TEST_CASE("wait group: the last done() wakes who waits, and touches nothing after [wait_group 1, 2]") {
    model::must_hold("wait group", {4, 2}, wait_and_end);
    model::must_hold("wait group, two wait", {2, 1}, two_wait);
}

TEST_CASE("mutex, semaphore, wait group: planted bugs are found") {
    using enum model::fault;
    model::must_find("mutex, two", {3, 1}, two_take_turns,
                     {
                         {"lib/sync/mutex.cc", "rt::os::replace_if(state_, kLocked, 0)", relaxed},
                         {"lib/sync/mutex.cc", "rt::os::restart_fence();", skipped},
                         {"lib/gossamer/mutex.h", "old | kLocked, std::memory_order_acquire,", relaxed},
                         {"lib/sync/mutex.cc", "if (state_.compare_exchange_weak(old, mine, rt::relaxed,", blind},
                     });
    model::must_find("mutex, three", {2, 0}, three_take_turns,
                     {{"lib/sync/mutex.cc", "if (state_.compare_exchange_weak(old, next, rt::release,", relaxed}});
    model::must_find("semaphore", {3, 1}, one_token,
                     {
                         {"runtime/os/lock.h", "word_.store(0, release)", relaxed},
                         {"runtime/os/lock.h", "!word_.compare_exchange_strong(free, 1, seq_cst, relaxed)", split},
                     });
    model::must_find("wait group", {4, 2}, wait_and_end,
                     {
                         {"lib/sync/wait_group.cc", "->store(g, rt::release)", relaxed},
                         {"lib/sync/wait_group.cc", "state_.compare_exchange_weak(state, state | kFirst)", blind},
                         {"lib/sync/wait_group.cc", "first.g = first_.load(rt::acquire)", relaxed},
                     });
}
