// SPDX-License-Identifier: BSL-1.0
// poll_desc: a descriptor on the poller: who waits in each direction, until when, and whether it is being closed.
// Called by / on: a goroutine or a plain thread (open, wait, deadlines, evict, close), the poller (poll_event), timers
// (expiry). Invariants:
//   1 poll_descs live in slabs that are never unmapped, so a late event or timer can always look at one. An event
//   carries the
//     sequence under which the descriptor was registered and is dropped when the poll_desc has moved on; the check may
//     race with a close, and then the next owner sees an edge that was none: it calls the kernel once more and waits
//     again. Nothing is lost.
//   2 flags_ say why a direction may not go on; they are set before the word is looked at by whoever unblocks.
//   3 Under lock_: a direction's timer is armed for armed_ (0: not armed) and armed_ <= deadline_. Moving a deadline
//   later leaves the
//     timer alone; when it fires early it is armed anew. So a deadline per request costs no timer operation.
// Locks: poll_desc, not held while a G is made ready.
// The race that matters: a deadline or a close against a G about to sleep. The sleeper publishes itself, then reads
// flags_; the other
//   sets flags_, then takes the published G (all seq_cst): either the sleeper sees the flag or the other sees the G.
//   Both may: then the one compare-and-swap on the word decides who wakes it.
// Not done: Go's reset of the words before every operation. An edge that was remembered costs one more system call when
// a wait comes
//   to it, a store on every read costs always.
#pragma once

#include "runtime/netpoll/netpoll.h"
#include "runtime/netpoll/poll_word.h"
#include "runtime/os/lock.h"
#include "runtime/sched/runq.h"
#include "runtime/timer/timer.h"

namespace gossamer::rt {

enum class poll_status : uint8_t { ready, closing, expired };

struct alignas(64) poll_desc {
    // The poller's and the waiters' line.
    poll_word words[2];            // by direction
    atomic<uint32_t> flags{0};     // kClosing and so on
    atomic<uint32_t> sequence{0};  // raised at close
    int fd = -1;                   // constant between open and close
    lock guard{lock_rank::poll_desc};
    poll_desc* next_free = nullptr;  // under the slab list's lock
    // Under guard.
    int64_t deadline[2] = {0, 0};  // now_ns() clock; 0 none
    int64_t armed[2] = {0, 0};
    timer timers[2];
};

inline constexpr uint32_t kClosing = 1;
inline constexpr uint32_t kExpired[2] = {2, 4};
// The peer hung up, or urgent data came: an edge that will not come again, so no read may be skipped.
inline constexpr uint32_t kHungUp = 8;

// Takes a poll_desc for fd and registers it. 0, or an errno value: EPERM when the kernel cannot poll such a file.
[[nodiscard]] int poll_open(int fd, poll_desc** out);
// Takes fd off the poller and gives the poll_desc back. REQUIRES: poll_evict() before, no operation under way.
void poll_close(poll_desc* desc);
// Everything that waits, and will wait, is told `closing`.
void poll_evict(poll_desc* desc);

// Whether an operation may start.
inline poll_status poll_check(const poll_desc* desc, direction d) {
    uint32_t flags = desc->flags.load();
    if ((flags & (kClosing | kExpired[static_cast<int>(d)])) == 0) [[likely]]
        return poll_status::ready;
    return (flags & kClosing) != 0 ? poll_status::closing : poll_status::expired;
}
// Parks until the descriptor may be ready (the caller tries again), the deadline passes or it is closed.
// REQUIRES: the caller is the one operation of the direction; its last system call said EAGAIN.
[[nodiscard]] poll_status poll_wait(poll_desc* desc, direction d);
// Sets one direction's deadline: absolute, now_ns() clock; 0 clears; the past takes effect at once (SEMANTICS N3 to
// N6). False when the descriptor is being closed.
bool poll_set_deadline(poll_desc* desc, direction d, int64_t when);

// What the backend reports: directions that became ready. Puts Gs to be woken at the list's tail and says how many.
void poll_event(poll_desc* desc, uint32_t sequence, bool readable, bool writable, bool hung_up, g_list* woken);
// Counts Gs out that a backend is about to hand to the loop.
void poll_unblocked(unsigned count);

}  // namespace gossamer::rt
