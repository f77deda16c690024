// SPDX-License-Identifier: BSL-1.0
// fd_mutex: who may use a descriptor: any number of references, one reader, one writer; and when it may really be
// closed. Called by / on: a goroutine or a plain thread. acquire, release, lock, unlock and close from any number of
// them at once. Invariants:
//   1 Each granted lock() or acquire() and a close() that says true hold one reference until unlock() or release().
//   2 Exactly one unlock() or release() says "last": the closed bit is set and the references fell to zero. That caller
//   frees the
//     descriptor number; so it cannot be reused under an operation (SEMANTICS N9).
//   3 The two waiting counts in the word are the Gs in the queues that nobody has claimed yet. A waker claims by
//   lowering the count,
//     then takes that many Gs from the queue under lock_; a waiter raises the count and queues itself under one hold of
//     lock_.
// Locks: poll_fd, for the queues only; dropped by the park's commit.
// The race that matters: unlock against a waiter about to sleep. The waiter raises the count in the word that still
// shows the lock
//   taken; so the unlock either came before (the waiter's exchange fails and it tries again) or sees the count.
#pragma once

#include "runtime/netpoll/poll_word.h"
#include "runtime/os/lock.h"

namespace gossamer::rt {

enum class admission : uint8_t { granted, closed, crowded };

class fd_mutex {
  public:
    // At most this many operations at once on one descriptor (SEMANTICS N14).
    static constexpr uint64_t kMost = (uint64_t{1} << 20) - 1;

    // A reference without a direction: for options, positioned reads, the descriptor's number.
    [[nodiscard]] admission acquire() {
        uint64_t old = word_.load();
        do {
            if (admission a = room_for_one(old); a != admission::granted) [[unlikely]]
                return a;
        } while (!word_.compare_exchange_weak(old, old + kReference));
        return admission::granted;
    }
    // True when the caller holds the last reference of a closed descriptor and must free it.
    [[nodiscard]] bool release() {
        uint64_t old = word_.fetch_sub(kReference);
        return last(old - kReference);
    }

    // A reference and the direction for oneself.
    [[nodiscard]] admission lock(direction d) {
        uint64_t old = word_.load();
        if ((old & (kClosed | lock_bit(d))) == 0 && room_for_one(old) == admission::granted &&
            word_.compare_exchange_strong(old, (old | lock_bit(d)) + kReference)) [[likely]]
            return admission::granted;
        return lock_slow(d);
    }
    // As release().
    [[nodiscard]] bool unlock(direction d) {
        uint64_t old = word_.load();
        uint64_t now;
        do {
            now = (old & ~lock_bit(d)) - kReference - ((old & wait_mask(d)) != 0 ? wait_unit(d) : 0);
        } while (!word_.compare_exchange_weak(old, now));
        if ((old & wait_mask(d)) != 0) [[unlikely]]
            wake(d, 1);
        return last(now);
    }

    // True for the first close, which then holds a reference; whoever waits for a direction is told "closed".
    [[nodiscard]] bool close();
    bool closed() const { return (word_.load() & kClosed) != 0; }

  private:
    static constexpr uint64_t kClosed = 1;
    static constexpr uint64_t kReference = uint64_t{1} << 3;
    static constexpr uint64_t kReferences = kMost << 3;
    static constexpr uint64_t lock_bit(direction d) { return d == direction::read ? 2 : 4; }
    static constexpr uint64_t wait_unit(direction d) { return uint64_t{1} << (d == direction::read ? 23 : 43); }
    static constexpr uint64_t wait_mask(direction d) { return kMost * wait_unit(d); }

    static admission room_for_one(uint64_t word) {
        if ((word & kClosed) != 0) return admission::closed;
        return (word & kReferences) == kReferences ? admission::crowded : admission::granted;
    }
    static bool last(uint64_t word) { return (word & (kReferences | kClosed)) == kClosed; }

    struct waiting;
    static bool drop_lock(G* g, void* arg);
    admission lock_slow(direction d);
    void wake(direction d, uint64_t count);

    atomic<uint64_t> word_{0};
    rt::lock lock_{lock_rank::poll_fd};
    G* queue_[2] = {nullptr, nullptr};  // under lock_; linked through G::next, oldest first
};

}  // namespace gossamer::rt
