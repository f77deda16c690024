// SPDX-License-Identifier: BSL-1.0
// lock_rank: all locks of the runtime in the order in which they may be taken, one line of why each. This list is the documentation
// and the table. A thread that holds a lock may take only locks further down. Two locks of one rank: only where `kSameRank` says so.
#pragma once

#include <cstdint>

namespace gossamer::rt {

enum class lock_rank : uint8_t {
    signal_table,  // lib/signal: who wants which signal; held while a channel is offered the signal
    context,       // lib/context: one node; the tree is locked parent before child (same rank allowed)
    poll_fd,       // netpoll: who waits for a direction of a descriptor; dropped by the park
    poll_slab,     // netpoll: free poll_descs
    poll_desc,     // netpoll: one descriptor's deadlines; held while timers are armed and Gs made ready
    timer_chan,    // lib/time: a timer channel's own state
    chan,          // lib/chan_core: one channel; select takes several in address order (same rank allowed)
    sync,          // lib/sync: waiters of one mutex, wait group, condition, semaphore
    timer_heap,  // timer: one P's heap; armed and stopped under any of the above, its functions run after it is dropped
    recorder,    // sched/trace: switched on or off by one at a time
    handshake,   // M::lock_: who may take this M's P or its queue
    sched,       // the idle lists of Ps and Ms, the global queue
    all_g,       // G slabs
    stack_slab,  // central free stacks and slabs
    box,         // the regions of the box; mapped under the locks of the tables that grow
    kCount,
};
inline constexpr bool same_rank_allowed(lock_rank r) { return r == lock_rank::chan || r == lock_rank::context; }

#if defined(GOSSAMER_LOCK_RANK)
// Fatal when the order is broken. Compiled in by -Dlock_rank=true.
void rank_acquire(lock_rank rank);
void rank_release(lock_rank rank);
#else
inline void rank_acquire(lock_rank) {}
inline void rank_release(lock_rank) {}
#endif

}  // namespace gossamer::rt
