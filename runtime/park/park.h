// SPDX-License-Identifier: BSL-1.0
// park: how a goroutine stops and starts. park() and ready() are the only two ways; channel, select, mutex, timer and fd waits
// are written on them and on nothing else.
// Called by / on: a goroutine's stack, or a plain thread (then the OS thread sleeps on a futex; the G is the thread's stand-in).
//   ready() also from g0, from timers' functions and from threads that never were goroutines.
// Invariants:
//   1 commit(g, arg) runs after g is off its stack and its status is `waiting`: whoever the commit lets in (by dropping a lock,
//     by publishing g) may call ready(g) at once. On a plain thread it runs on the thread itself, before it sleeps.
//   2 commit may drop runtime locks, store words, compare-and-swap. It must not park, allocate, throw or run user code.
//   3 commit returning false means "do not sleep": g runs on as if it had been made ready.
//   4 Each park is ended by exactly one ready(). ready() of a G that is not waiting is a broken invariant.
// Locks: none may be held on entry but those that commit releases.
// The race that matters: a waker finds g before it is off its stack. Lost by construction: g can be found only through what
//   commit publishes, and commit runs after the switch.
#pragma once

#include "runtime/base/wait_reason.h"
#include "runtime/sched/current.h"

namespace gossamer::rt {

using commit_fn = bool (*)(G* g, void* arg);

// Stops the calling G until ready(g). `object` is what it waits for (shown in dumps, may be null).
// `site`: where it waits, for who inspects it: by default the code that called the caller. REQUIRES: inside an in_runtime scope.
void park(commit_fn commit, void* arg, wait_reason why, const void* object = nullptr,
          void* site = __builtin_return_address(0));

// Makes a parked G runnable: into the caller's next slot (the caller goes on running), or the global queue when the caller holds no P.
// REQUIRES: inside an in_runtime scope. May be called with a runtime lock held.
void ready(G* g);
// The same for a list linked through G::next, in order: to the tail of the queue, one wake-up for all. Returns how many.
// Without `wake` none, for a caller that holds a P and runs them itself within microseconds (loop); sysmon sees to it should it not.
unsigned ready_batch(G* first, bool wake = true);

// Gives way: the caller goes to the tail of its P's queue (Go's Gosched; SEMANTICS G13). No-op on a plain thread but for sched_yield.
void yield();

}  // namespace gossamer::rt
