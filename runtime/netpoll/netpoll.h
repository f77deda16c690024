// SPDX-License-Identifier: BSL-1.0
// netpoll: the contract of a poller: what the loop may ask of it, and what a backend (epoll.cc) supplies.
// Called by / on: the loop on g0 (netpoll), anybody (netpoll_break, the questions), poll_desc (watch, forget).
// Invariants:
//   1 A descriptor is registered once, for reading, writing and the peer's hang-up, edge-triggered; nothing is
//   registered per operation. 2 A G handed out by netpoll() was taken out of its poll word by exactly one waker; nobody
//   else will make it ready. 3 netpoll_break() after which nobody is in netpoll(≠0) makes the next netpoll(≠0) return
//   at once, or was seen by the one that left.
#pragma once

#include <cstdint>

#include "runtime/sched/g.h"

namespace gossamer::rt {

struct poll_desc;

// Makes the poller, at first use. Idempotent, any thread. Fatal when the kernel has no descriptor left for it.
void netpoll_start();
// False until netpoll_start(): then nobody can wait for a descriptor.
bool netpoll_active();

// Collects the Gs whose descriptors became ready: a list linked through G::next, oldest event first, for ready_batch().
// Returns how many. wait_ns: 0 looks and returns, < 0 waits for ever, else at most so long. May return early with
// nothing. Only one thread may wait; others may look meanwhile. REQUIRES: no lock held.
unsigned netpoll(int64_t wait_ns, G** list);
// Ends a netpoll(≠0), now or the next one. Any thread, any lock held; at most one write is pending.
void netpoll_break();

// How many Gs are parked on descriptors.
unsigned netpoll_waiters();

// What a backend supplies to poll_desc. 0 or an errno value. `sequence` has kSequenceBits.
inline constexpr unsigned kSequenceBits = 22;
inline constexpr uint32_t kSequenceMask = (uint32_t{1} << kSequenceBits) - 1;
int netpoll_watch(int fd, poll_desc* desc, uint32_t sequence);
void netpoll_forget(int fd);

}  // namespace gossamer::rt
