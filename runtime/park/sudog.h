// SPDX-License-Identifier: BSL-1.0
// sudog: one goroutine waiting in one place, and the claim that lets a select be won once.
// Called by / on: a G's stack (or a plain thread's). It lives in the waiter's frame, so waiting allocates nothing.
// Invariants:
//   1 A sudog is in at most one wait_queue; it is linked, unlinked and read by others only under the lock of the place
//   it waits in. 2 Its memory ends when the waiter returns. A waiter returns only after its sudogs are out of every
//   queue, and takes them out
//     under the same locks: whoever finds one under the lock may touch it until that lock is dropped, and after a won
//     claim until it calls ready().
//   3 The waker records the outcome (success, case_index of the winner through G::param) before ready(); the waiter
//   reads it after
//     park(). Nothing else says how the wait ended (SEMANTICS CH12).
//   4 A select's sudogs carry the value that G::select_claim had when it was enqueued. The waker that moves the claim
//   from this
//     ticket to the next value has won the select; all others, however late, fail and leave the G alone. For a waiter
//     in one place being taken from the queue is the claim.
// The race that matters: two wakers on two channels of one select. Both hold their own channel's lock, neither the
// other's;
//   the CAS decides.
#pragma once

#include "runtime/sched/g.h"

namespace gossamer::rt {

struct sudog {
    // Constant after the waiter filled them in.
    G* g = nullptr;
    void* elem = nullptr;     // the sender's value, or the place for the receiver's; null when none is wanted
    void* place = nullptr;    // what it waits in (a channel core)
    uint32_t case_index = 0;  // its number within a select
    uint32_t claim_ticket = 0;
    bool is_select = false;
    // Written by the waker before ready(); read by the waiter after park().
    bool success = false;         // false: woken by close
    uint32_t place_in_queue = 0;  // how many were queued before it since the queue was last empty
    // Under the lock of `place`.
    sudog* next = nullptr;
    sudog* prev = nullptr;
    const void* ahead = nullptr;  // one queued a few places later: to be fetched, never to be followed
};

// The ticket for a select that g is about to wait in. REQUIRES: g is the caller.
inline uint32_t claim_ticket(const G* g) {
    return g->select_claim.load(
        relaxed);  // pairs with nothing: moved on only by the winner of g's last wait, before ready(g)
}

// True for exactly one caller per ticket, and always for a sudog that waits in one place only.
// REQUIRES: the lock of s->place held, s just found in its queue.
inline bool claim(sudog* s) {
    if (!s->is_select) return true;
    uint32_t ticket = s->claim_ticket;
    return s->g->select_claim.compare_exchange_strong(ticket, ticket + 1, acq_rel,
                                                      relaxed);  // pairs with itself: other wakers
}

}  // namespace gossamer::rt
