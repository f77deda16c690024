// SPDX-License-Identifier: BSL-1.0
// timer_heap: the pending timers of one P number, earliest first: a 4-ary heap whose array keeps the keys beside the pointers.
// Called by / on: inside an in_runtime scope, any stack. Any M may take part: an owner arms, anybody stops, owner and thieves run what is due.
// Invariants:
//   1 a_[i].when >= a_[(i - 1) / 4].when for each i < size_; if a_[i] is a timer, its index == i and its heap == this.
//   2 earliest() is P::next_deadline: a_[0].when, kNever when empty, whenever the lock is free; but while run_due() calls a function it may be in the past.
// Locks: timer_heap, one at a time. Functions of timers run after it is dropped.
// The race that matters: an M looks at all deadlines and falls asleep, while arm() makes an earlier one. arm() publishes the deadline first and
//   then calls sched.on_new_deadline; the sleeper announces its sleep first and then looks at the deadlines: one of the two sees the other, because
//   on_new_deadline fences: the deadline would else be in the armer's store buffer while it reads that nobody sleeps (tests/model/idle_model.cc).
// Not done: a timing wheel. It arms and stops in O(1), but it needs wake-ups that only cascade, each worth thousands of heap operations
//   on a virtual machine, and a heap in its lowest level all the same to be exact.
#pragma once

#include <cstdint>
#include <cstdlib>

#include "runtime/base/atomic.h"
#include "runtime/os/lock.h"
#include "runtime/timer/timer.h"

namespace gossamer::rt {

struct G;

class timer_heap {
  public:
    // `deadline` is the P's next_deadline.
    explicit timer_heap(atomic<int64_t>& deadline) : earliest_(deadline) {}
    timer_heap(const timer_heap&) = delete;
    timer_heap& operator=(const timer_heap&) = delete;
    ~timer_heap() { std::free(storage_); }

    // True when `when` became the earliest deadline.
    bool add(timer* t, int64_t when);
    bool add_sleeper(G* g, int64_t when);
    // False when t is not (or no longer) in this heap.
    bool remove(timer* t);
    int64_t run_due(int64_t now);
    void move_all_to(timer_heap& to);

    // pairs with publish(): a hint, confirmed under the lock
    int64_t earliest() const { return earliest_.load(relaxed); }
    // Another timer is due within kSlack of the earliest.
    bool crowded() const { return crowded_.load(relaxed); }  // pairs with publish(): a hint
    unsigned size() const { return count_.load(relaxed); }   // pairs with publish(); exact when nothing runs

  private:
    // A timer, or (marked by the lowest bit) a sleeping G, which nobody takes back and which need not know its index: a heap of a hundred
    // thousand sleepers is sifted without touching their memory.
    struct entry {
        int64_t when;
        uintptr_t what;
        bool is_sleeper() const { return (what & 1) != 0; }
        timer* t() const { return reinterpret_cast<timer*>(what); }
        G* g() const { return reinterpret_cast<G*>(what & ~uintptr_t{1}); }
    };
    static constexpr uint32_t kArity = 4;
    static constexpr uint32_t kInTransit = ~uint32_t{0};
    static constexpr unsigned kBatch = 64;
    static constexpr unsigned kFew = 32;          // sleepers that one M runs as soon as it has woken another
    static constexpr int64_t kJustRan = 500'000;  // ns: who comes back so soon does not run long goroutines

    bool insert(entry e);
    void grow();
    void place(uint32_t i, entry e) {
        a_[i] = e;
        if (!e.is_sleeper()) e.t()->index = i;
    }
    void sift_up(uint32_t i, entry e);
    void sift_down(uint32_t i, entry e);
    void take_out(uint32_t i);
    void publish();

    lock lock_{lock_rank::timer_heap};
    uint32_t size_ = 0;
    uint32_t capacity_ = 0;
    entry* a_ = nullptr;  // a_[1] stands at the start of a cache line, so the four children of a node share one
    void* storage_ = nullptr;
    atomic<int64_t>& earliest_;
    atomic<uint32_t> count_{0};
    atomic<bool> crowded_{false};
    int64_t last_run_ = 0;  // when something was due the last time; under lock_
};

// How much later than the earliest deadline an M may sleep when timers come thick (Linux gives every thread half of it as a rule): one
// wake-up of 10 us of processor time for all of them instead of one each.
inline constexpr int64_t kSlack = 200'000;
// When an M that sleeps until `earliest`, the earliest deadline of all heaps, is to wake.
int64_t wake_moment(int64_t earliest);

// Runs what is due in that P's heap; returns the heap's next deadline, or kNever.
int64_t run_due(unsigned p_number, int64_t now);
// The earliest deadline of that P's heap, kNever when empty.
int64_t next_deadline(unsigned p_number);
// For set_procs: the P `from` runs no more.
void move_timers(unsigned from_p, unsigned to_p);
// Pending timers of all heaps; exact when nothing runs (deadlock detection).
unsigned pending_timers();

}  // namespace gossamer::rt
