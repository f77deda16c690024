// SPDX-License-Identifier: BSL-1.0
// sema: how sync puts goroutines to sleep on an object and wakes them: a list of waiters whose head lies in the object and whose
// nodes lie on the stacks of those who wait, guarded by one of a fixed table of locks chosen by the object's address.
// Called by / on: lib/sync, on a goroutine's stack or a plain thread, inside an in_runtime scope.
// Invariants:
//   1 A list and the words that say it is not empty change only under sema_lock(object).
//   2 A node in a list keeps the object alive: whoever finds one there may touch the object until it drops the lock.
//   3 A node is dead once its G is ready or its commit may say "do not sleep": links are read before that.
//   4 Waking allocates nothing and needs no table of addresses.
// Locks: rank sync; one at a time; nothing of lib is called with it held.
// The race that matters: an unlock against the end of the object. The waker lets the object go under the table's lock, which is not
//   part of the object, so dropping it touches nothing that the next owner may have destroyed.
// Not done: Go's semaphores by address (251 trees of addresses). The list head costs the object a word and saves the search; a lock
//   in the object would save a line, but the last store of every wake-up would go into memory that may be freed.
#pragma once

#include <cstdint>

#include "runtime/os/lock.h"
#include "runtime/park/park.h"

namespace gossamer::rt {

// One goroutine that waits. Who embeds it in a larger record casts back.
struct sync_waiter {
    G* g = nullptr;
    sync_waiter* next = nullptr;  // under the lock; afterwards the waker's
    bool granted = false;         // the waker gave it what it waits for; set before ready(), read after park()
};

namespace detail {
inline constexpr unsigned kSemaLockBits = 8;
struct alignas(64) sema_slot {
    lock guard{lock_rank::sync};
};
extern sema_slot sema_slots[1u << kSemaLockBits];
}  // namespace detail

// The lock of that object's list. Never two at once: two objects may share one.
inline lock& sema_lock(const void* object) {
    uint64_t hash = uint64_t(reinterpret_cast<uintptr_t>(object) >> 3) * 0x9E3779B97F4A7C15u;
    return detail::sema_slots[hash >> (64 - detail::kSemaLockBits)].guard;
}

// A list is one pointer: to its last node, whose next is the first. Null when empty. REQUIRES for all: sema_lock(object) held.
void push_back(sync_waiter*& last, sync_waiter* w);
void push_front(sync_waiter*& last, sync_waiter* w);
// Null when the list is empty.
sync_waiter* pop_front(sync_waiter*& last);
inline sync_waiter* front(sync_waiter* last) { return last == nullptr ? nullptr : last->next; }
// False when w is not in the list. Walks it.
bool remove(sync_waiter*& last, sync_waiter* w);
// Empties the list; the result is linked through next and ends in null.
sync_waiter* take_all(sync_waiter*& last);

// Puts the caller to sleep on `object`, dropping the lock once it is off its stack.
// REQUIRES: sema_lock(object) held, the caller's node is in a list.
void sleep_on(lock& held, wait_reason why, const void* object, void* site = __builtin_return_address(0));

// Wakes a list that take_all() gave (or that is linked like one), all of them in one go. On one P they run last first, then in
// order (SEMANTICS CH20). REQUIRES: no lock held.
void wake_all(sync_waiter* first);

}  // namespace gossamer::rt
