// SPDX-License-Identifier: BSL-1.0
// p: a processor slot: what running goroutines needs. At most `procs` of them are held at a time.
// Called by / on: the M that holds it, inside the runtime; others only by a seize (sched/handshake.h) or by the fields marked `any`.
// Invariants:
//   1 P::m is the holder, or null. It changes under the seize of that holder, or by the holder itself inside the runtime, or under sched's lock
//     while the P is idle.
//   2 Rings, caches and counters are plain for the owner: nobody else touches them while the owner is inside the runtime.
#pragma once

#include "runtime/base/atomic.h"
#include "runtime/base/bits.h"
#include "runtime/base/random.h"
#include "runtime/sched/config.h"
#include "runtime/sched/g.h"
#include "runtime/stack/stack_cache.h"

namespace gossamer::rt {

struct M;

inline constexpr unsigned kRingSize = 256;
inline constexpr uint32_t kFreeGs = 256;
inline constexpr int64_t kNoDeadline = INT64_MAX;

enum class p_status : uint8_t { idle, held, retired };

struct alignas(kCacheLine) P {
    // Line 0: touched by every switch. Owner; read by any for a guess at whether there is work.
    atomic<G*> next{nullptr};
    atomic<uint32_t> head{0};
    atomic<uint32_t> tail{0};
    atomic<uint32_t> turn{0};                    // picks of any kind
    atomic<uint32_t> tick{0};                    // picks that began a new time slice
    atomic<int64_t> next_deadline{kNoDeadline};  // timer floor publishes; any reads
    uint32_t free_g_count = 0;
    stack_cache stacks;

    // Line 1 and on. Owner.
    uint64_t next_id = 0, last_id = 0;      // goroutine numbers in hand
    atomic<uint64_t> created{0}, ended{0};  // any reads
    random32 random{1};
    bool eager_wake = true;    // ready() wakes another M at once; see idle.h
    uint32_t quiet_tail = 0;   // == tail: what is in the ring, nobody need be woken for (ready_batch without wake)
    uint32_t own_picks = 0;    // next-slot Gs since one was last taken by a thief
    uint32_t global_tail = 0;  // the tail behind what came last from the global queue
    bool crowded = false;      // since it last ran dry, the ring was too small for those that yield

    // any
    atomic<M*> m{nullptr};
    atomic<p_status> status{p_status::idle};
    unsigned id = 0;         // constant
    P* idle_next = nullptr;  // under sched's lock
    M* last_m = nullptr;     // under sched's lock: who held it last, for affinity

    alignas(kCacheLine) G* ring[kRingSize];
    G* free_gs[kFreeGs];  // owner: dead Gs, free_g_count of them

    bool has_queued() const {
        return head.load(relaxed) != tail.load(relaxed) ||
               next.load(relaxed) != nullptr;  // a guess; pairs with runq.h's stores
    }
    uint32_t queued() const { return tail.load(relaxed) - head.load(relaxed); }  // a guess; pairs with runq.h's stores
};

}  // namespace gossamer::rt
