// SPDX-License-Identifier: BSL-1.0
// m: an OS thread as the scheduler sees it. Runs goroutines when it holds a P; a plain thread's M never does.
// Called by / on: its own thread, but for the fields marked `any`. Ms are never freed: a stale M* can always be read and signalled.
#pragma once

#include <ctime>

#include "runtime/base/bits.h"
#include "runtime/base/event.h"
#include "runtime/box/layout.h"
#include "runtime/os/held_locks.h"
#include "runtime/os/lock.h"
#include "runtime/os/note.h"
#include "runtime/sched/p.h"

namespace gossamer::rt {

using commit_fn = bool (*)(G* g, void* arg);

// Bits of M::attention: what others ask of an M. Set by anybody, answered by the M at its next door (enter, pick, loop).
inline constexpr uint32_t kSeizing = 1;  // somebody looks whether the M is outside: wait until the bit is gone
inline constexpr uint32_t kTaken = 2;    // the P was taken (or given up by begin_blocking)
inline constexpr uint32_t kYield = 4;    // the slice is used up
inline constexpr uint32_t kShare = 8;    // a searcher wants half of the ring
inline constexpr uint32_t kFence = 16;   // no membarrier on this kernel: entering costs a full fence; always set then
inline constexpr uint32_t kVisit = 32;   // the loop is wanted: timers are due, or fewer procs are

// A next slot at one moment. When the P has since made no pick and the slot holds the same G, it has stood still from then on.
struct glimpse {
    const P* p = nullptr;
    const G* next = nullptr;
    uint32_t turn = 0;
};

inline constexpr uint32_t kSampled = 64;
inline constexpr unsigned kWaitBuckets = 40;

struct alignas(kCacheLine) M {
    // Line 0: touched by every call into the runtime.
    atomic<uint32_t> in_runtime{0};  // depth of enter(); own thread writes
    atomic<uint32_t> attention{0};   // any sets bits
    P* p = nullptr;                  // own thread inside the runtime, or a seizer
    G* curg = nullptr;               // on g0: null
    void* g0_context = nullptr;
    void** save_context = nullptr;            // where the next landing stores the context that was left
    void (*after_switch)(M*) = nullptr;       // what the next landing does for the one who left
    void** exceptions = nullptr;              // __cxa_get_globals of this thread: two words
    atomic<box::trace_ring*> trace{nullptr};  // own ring while something is recorded; set by set_recorder()
    // Line 1
    int* errno_at = nullptr;
    G* left = nullptr;  // who left, for after_switch and the loop; null: it ended
    commit_fn commit = nullptr;
    void* commit_arg = nullptr;
    stack* left_stack = nullptr;
    bool spinning = false;
    bool is_thread = false;                 // a plain thread's
    bool blocking = false;                  // between begin_blocking and end_blocking
    uint32_t readies = 0;                   // goroutines made ready here: one in kSampled is timed
    P* old_p = nullptr;                     // to be preferred when a P is wanted again
    const os::held_locks* locks = nullptr;  // what this thread holds; null: nobody counts

    note wake;
    atomic<P*> given{nullptr};           // a P handed over by who wakes it
    glimpse seen;                        // what the waker saw in its own next slot; written before `given`
    lock seizing{lock_rank::handshake};  // one seizer at a time
    clockid_t cpu_clock = 0;
    uint64_t tid = 0;
    unsigned number = 0;
    M* idle_next = nullptr;      // under sched's lock
    M* all_next = nullptr;       // append-only list, constant once linked
    G* stand_in = nullptr;       // a plain thread's G
    G* wired = nullptr;          // own thread; who waits to go on here and nowhere else (loop/wired.h)
    atomic<bool> parked{false};  // asleep on `wake` for want of work, or (plain thread) in park(); any reads
    [[no_unique_address]] sanitizer_state tool;

    box::trace_ring* ring = nullptr;  // its own, once it was recorded; under the recorder's lock
    atomic<uint64_t> wait_histogram
        [kWaitBuckets]{};  // sampled waits for a processor of 2^i to 2^(i+1) ns; own thread writes, any reads
    alignas(kCacheLine) event_counts events;  // own thread writes; any reads
};

}  // namespace gossamer::rt
