// SPDX-License-Identifier: BSL-1.0
// held_locks: pthread mutexes, rwlocks and spin locks that a thread holds; they know their owner by its thread, so a goroutine must give them
// back where it took them. The contract between the runtime and libgossamer-locks (lib/locks), which counts them; and what a build for
// debugging finds without it.
// Called by / on: held_locks_here(): once for each thread. mutex_on_stack(): on the stack that is looked at.
// Invariants: 1 a thread's table is written by that thread alone, outside the runtime. 2 count is what the thread holds; the first kMostNoted
//   of them are named.
#pragma once

#include <cstddef>
#include <cstdint>

#include "runtime/base/atomic.h"

namespace gossamer::rt::os {

struct held_lock {
    const void* lock;
    const void* taken_at;  // return address of the call that took it
    const void* frame;     // the stack pointer of who made that call; its return address lay in the word below
};

inline constexpr uint32_t kMostNoted = 16;
struct held_locks {
    uint32_t count;
    held_lock of[kMostNoted + 1];  // the last is for those that are not named
};

// The calling thread's table; null without libgossamer-locks. It stays where it is while the thread lives.
const held_locks* held_locks_here();

// The option -Dheld_locks: look for locked mutexes at each switch.
#if defined(GOSSAMER_HELD_LOCKS)
inline constexpr bool kLooksForMutexes = true;
#else
inline constexpr bool kLooksForMutexes = false;
#endif

// A pthread mutex that says it is locked by this thread and to which a word between the caller's frame and `top` points, or that lies there; null
// when there is none. It finds what a std::lock_guard or std::unique_lock refers to; not a mutex whose address the compiler knows by heart.
const void* mutex_on_stack(const void* top);

}  // namespace gossamer::rt::os

extern "C" const gossamer::rt::os::held_locks* gossamer_held_locks();
