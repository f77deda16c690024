// SPDX-License-Identifier: BSL-1.0
// poll_word: one direction of a descriptor: nothing known, an edge remembered, or the one G that waits for it.
// Called by / on: publish, take_edge, withdraw by the one operation of the direction (fd_mutex sees to that); edge by
// the poller;
//   evict by a deadline or a close. All in parallel.
// Invariants:
//   1 none -> ready      edge(): nobody waits, the operation to come will know
//     ready -> none      take_edge(): the operation tries its system call again
//     none -> G          publish(): from a park's commit, G is off its stack
//     G -> none          edge() or evict(): the caller now owes ready(G); or withdraw(): the G goes on by itself
//   2 Whoever moves G -> none owns the wake; all others fail.
// The race that matters: data arrives after a read said EAGAIN and before the G is published. The edge makes the word
// ready, so
//   publish() fails and the G reads again. An edge that finds the word ready is dropped: the ready word makes the
//   operation call the kernel again after take_edge(), and that call comes after the edge's cause.
#pragma once

#include "runtime/base/atomic.h"
#include "runtime/sched/g.h"

namespace gossamer::rt {

enum class direction : uint8_t { read, write };

class poll_word {
  public:
    // True when an edge had been remembered; it is forgotten now.
    [[nodiscard]] bool take_edge() {
        if (word_.load() != kReady) return false;
        word_.store(kNone);
        return true;
    }
    // False when an edge is remembered: g must not sleep.
    [[nodiscard]] bool publish(G* g) {
        uintptr_t none = kNone;
        return word_.compare_exchange_strong(none, reinterpret_cast<uintptr_t>(g));
    }
    // True: g is back with its owner. False: a waker has it and will make it ready.
    [[nodiscard]] bool withdraw(G* g) {
        uintptr_t old = reinterpret_cast<uintptr_t>(g);
        return word_.compare_exchange_strong(old, kNone);
    }
    // The G to be made ready, or null: then the edge is remembered.
    [[nodiscard]] G* edge() {
        uintptr_t old = word_.load();
        while (old != kReady) {
            if (word_.compare_exchange_weak(old, old == kNone ? kReady : kNone)) return reinterpret_cast<G*>(old);
        }
        return nullptr;
    }
    // The G to be made ready, or null; an edge stays remembered.
    [[nodiscard]] G* evict() {
        uintptr_t old = word_.load();
        while (old > kReady) {
            if (word_.compare_exchange_weak(old, kNone)) return reinterpret_cast<G*>(old);
        }
        return nullptr;
    }
    // For the next owner of the descriptor. REQUIRES: no operation under way.
    void reset() { word_.store(kNone); }

  private:
    static constexpr uintptr_t kNone = 0;
    static constexpr uintptr_t kReady = 1;
    atomic<uintptr_t> word_{kNone};
};

}  // namespace gossamer::rt
