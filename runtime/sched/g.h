// SPDX-License-Identifier: BSL-1.0
// g: the goroutine's control block. Three cache lines: what a switch touches, what an inspector reads, the closure.
// Called by / on: see each field. Gs live in slabs that are never unmapped, so a stale pointer to a G can always be read.
#pragma once

#include <cstddef>

#include "runtime/base/atomic.h"
#include "runtime/base/wait_reason.h"
#include "runtime/sched/g_status.h"

namespace gossamer::rt {

struct M;
struct stack;

inline constexpr size_t kInlineClosure = 64;

struct alignas(64) G {
    // Line 0. Owner: the M that runs or holds the G, unless said otherwise.
    void* context = nullptr;                  // the saved fcontext while it is off its stack
    stack* stk = nullptr;                     // null until the first run
    G* next = nullptr;                        // link of the one queue it is in; owner: that queue
    M* m = nullptr;                           // who runs it; for a stand-in: its thread for ever
    void (*invoke)(void* closure) = nullptr;  // runs and destroys the closure
    void* caught_exceptions = nullptr;
    unsigned int uncaught_exceptions = 0;
    int saved_errno = 0;
    atomic<g_status> status{g_status::dead};
    atomic<wait_reason> reason{};      // why it waits or waited last; any reader
    atomic<uint8_t> flags{0};          // kThread and so on; the owner writes, any reads
    uint8_t stack_class = 0;           // which size of stack it asks for
    atomic<uint32_t> select_claim{0};  // park/sudog.h: one waker wins a select

    // Line 1. Written by the owner with relaxed stores, read by anybody (dumps, the inspector).
    atomic<uint64_t> id{0};  // from 1, never reused
    uint64_t creator_id = 0;
    void* creator_pc = nullptr;  // return address of the go() call
    const char* name = nullptr;  // static or owned by the name table; null when unnamed
    atomic<const void*> wait_object{nullptr};
    atomic<int64_t> wait_since{0};  // ns of the monotonic clock, stamped by the signal thread or by a dump; 0 unknown
    void* locals = nullptr;         // go_local's table; owner G
    // While it waits: the pc of the call that waits, for who inspects it; what the waker hands to the woken (a sudog) overwrites that before ready(),
    // and is read after park().
    void* param = nullptr;

    // Line 2.
    alignas(16) unsigned char closure[kInlineClosure];
};
static_assert(sizeof(G) == 192);

inline constexpr uint8_t kThread = 1;     // a plain thread's stand-in
inline constexpr uint8_t kSystem = 2;     // the library's own; not counted, not a reason against deadlock
inline constexpr uint8_t kLocked = 4;     // holds locks of its thread: goes on on G::m only (loop/wired.h)
inline constexpr uint8_t kHasLocals = 8;  // destroy G::locals at the end
inline constexpr uint8_t kProbed = 16;    // its wait for a processor is being timed (sched/trace.h)

}  // namespace gossamer::rt
