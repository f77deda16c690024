// SPDX-License-Identifier: BSL-1.0
// rw_mutex: readers and writers that come and go at the same time. lib/sync/rw_mutex.cc, the mutex in it, park/sema.h.
#include <doctest/doctest.h>

#include "gossamer/rw_mutex.h"
#include "tests/model/support.h"
#include "tests/model/world.h"

using namespace gossamer;

namespace {

struct shared_world {
    rw_mutex rw;
    int left = 0, right = 0;  // a writer makes them differ for a moment
    int writes = 0;
};

shared_world& begin() {
    model::new_world(0);
    return model::make<shared_world>();
}

void write(shared_world& w) {
    w.left++;
    model::require(w.left == w.right + 1, "rw_mutex: one writes at a time");
    w.right++;
    w.writes++;
}

void writer(const char* name, shared_world& w) {
    model::plain_thread(name, [&w] {
        w.rw.lock();
        write(w);
        w.rw.unlock();
    });
}

void reader(const char* name, shared_world& w, int turns = 1) {
    model::plain_thread(name, [&w, turns] {
        for (int i = 0; i < turns; i++) {
            w.rw.lock_shared();
            model::require(w.left == w.right, "rw_mutex: nobody writes beside a reader");
            w.rw.unlock_shared();
        }
    });
}

// Nobody holds it or waits: the next one needs no help.
void all_are_gone(shared_world& w, int writes) {
    model::at_end([&w, writes] {
        model::require(w.writes == writes, "each writer had its turn");
        model::require(w.rw.try_lock(), "rw_mutex 1: nobody is counted any more");
    });
}

void one_of_each() {
    shared_world& w = begin();
    writer("writes", w);
    reader("reads", w);
    all_are_gone(w, 1);
}

// The reader of the second turn may take the pass of the first.
void reads_again() {
    shared_world& w = begin();
    writer("writes", w);
    reader("reads", w, 2);
    all_are_gone(w, 1);
}

// Both have come before the writer: the last one lets it in.
void two_readers() {
    shared_world& w = begin();
    reader("one reads", w);
    reader("two reads", w);
    writer("writes", w);
    all_are_gone(w, 1);
}

void two_writers() {
    shared_world& w = begin();
    writer("one writes", w);
    writer("two writes", w);
    reader("reads", w);
    all_are_gone(w, 2);
}

// One who does not wait, on either side, gets it or leaves no trace.
void tries_to_read() {
    shared_world& w = begin();
    writer("writes", w);
    model::plain_thread("tries", [&w] {
        if (!w.rw.try_lock_shared()) return;
        model::require(w.left == w.right, "rw_mutex: nobody writes beside a reader");
        w.rw.unlock_shared();
    });
    all_are_gone(w, 1);
}
void tries_to_write() {
    shared_world& w = begin();
    reader("reads", w);
    model::plain_thread("tries", [&w] {
        if (!w.rw.try_lock()) return;
        write(w);
        w.writes--;
        w.rw.unlock();
    });
    all_are_gone(w, 0);
}

}  // namespace

TEST_CASE("rw mutex: one writes or some read, and nobody is left asleep [rw_mutex 1 to 3]") {
    model::must_hold("rw mutex, one of each", {4, 2}, one_of_each);
    model::must_hold("rw mutex, reads again", {3, 1}, reads_again);
    model::must_hold("rw mutex, two readers", {2, 1}, two_readers);
    model::must_hold("rw mutex, two writers", {2, 0}, two_writers);
    model::must_hold("rw mutex, tries to read", {4, 2}, tries_to_read);
    model::must_hold("rw mutex, tries to write", {4, 2}, tries_to_write);
}

TEST_CASE("rw mutex: planted bugs are found") {
    using enum model::fault;
    model::must_find("rw mutex, one of each", {4, 2}, one_of_each,
                     {
                         {"lib/gossamer/rw_mutex.h", "readers_.fetch_add(1, std::memory_order_acquire)", relaxed},
                         {"lib/gossamer/rw_mutex.h", "readers_.fetch_sub(1, std::memory_order_release)", relaxed},
                         {"lib/sync/rw_mutex.cc", "readers_.fetch_sub(kMaxReaders)", relaxed},
                         {"lib/sync/rw_mutex.cc", "readers_.fetch_add(kMaxReaders)", relaxed},
                         {"lib/sync/rw_mutex.cc", "readers_.fetch_add(kMaxReaders)", split},
                         {"lib/sync/rw_mutex.cc", "readers_.fetch_sub(kMaxReaders)", split},
                     });
    model::must_find("rw mutex, two readers", {3, 0}, two_readers,
                     {
                         {"lib/sync/rw_mutex.cc", "departing_.fetch_sub(1)", split},
                         {"lib/sync/rw_mutex.cc", "departing_.fetch_add(holding)", split},
                     });
    model::must_find("rw mutex, tries to read", {4, 2}, tries_to_read,
                     {{"lib/sync/rw_mutex.cc", "compare_exchange_weak(count, count + 1)", blind}});
    model::must_find("rw mutex, tries to write", {4, 2}, tries_to_write,
                     {{"lib/sync/rw_mutex.cc", "compare_exchange_strong(none, -kMaxReaders)", blind}});
}
