// SPDX-License-Identifier: BSL-1.0
// lock: a one-word lock for a few dozen instructions of runtime state. Spins, then gives the CPU away.
// Called by / on: any stack, inside an in_runtime scope (so that the P is not taken while it is held); never from a signal handler.
// Invariants: 1 never held across a park (but handed to a commit that drops it), a system call, an allocation or user code.
//   2 ranks are taken in the order of os/lock_rank.h (checked in debug builds).
// Not done: a futex word. Unlock would be a read-modify-write (8 ns) instead of a store, on every channel operation.
#pragma once

#include "runtime/base/atomic.h"
#include "runtime/os/lock_rank.h"

namespace gossamer::rt {

// One turn of waiting for somebody who is a few dozen instructions from done, unless the kernel took its CPU: waits, in later rounds
// gives the CPU away, then naps. `round` counts from 0.
void back_off(unsigned round);

class lock {
  public:
    explicit constexpr lock(lock_rank rank) : rank_(rank) {}
    lock(const lock&) = delete;
    lock& operator=(const lock&) = delete;

    void acquire_lock() {
        rank_acquire(rank_);
        uint8_t free = 0;
        // seq_cst, not acquire: a look at the word without the lock relies on it (word()). The same instruction on x86-64.
        if (!word_.compare_exchange_strong(free, 1, seq_cst, relaxed)) [[unlikely]]  // pairs with release_lock()
            slow();
    }
    bool try_acquire() {
        uint8_t free = 0;
        if (word_.load(relaxed) != 0 ||                                 // pairs with the CAS below
            !word_.compare_exchange_strong(free, 1, acquire, relaxed))  // pairs with release_lock()
            return false;
        rank_acquire(rank_);
        return true;
    }
    void release_lock() {
        rank_release(rank_);
        word_.store(0, release);  // pairs with the CAS in acquire_lock()
    }

    // 0 when nobody is inside. Who reads 0 by a seq_cst load sees all that was done under the lock by those whose taking of it came
    // before in the single order of seq_cst operations (lib/gossamer/chan_core.h).
    const atomic<uint8_t>& word() const { return word_; }

  private:
    [[gnu::noinline]] void slow();
    atomic<uint8_t> word_{0};
    const lock_rank rank_;
};

class lock_guard {
  public:
    explicit lock_guard(lock& l) : lock_(l) { lock_.acquire_lock(); }
    ~lock_guard() { lock_.release_lock(); }
    lock_guard(const lock_guard&) = delete;
    lock_guard& operator=(const lock_guard&) = delete;

  private:
    lock& lock_;
};

}  // namespace gossamer::rt
