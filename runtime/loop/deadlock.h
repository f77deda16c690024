// SPDX-License-Identifier: BSL-1.0
// deadlock: nobody runs and nobody can: say so (SEMANTICS DL1 to DL4, G15).
// Called by / on: sysmon, when all Ps are idle, before it sleeps for good.
// Invariants: 1 the verdict is a function of numbers, so that it can be tested without a deadlock.
//   2 who could still make a goroutine ready is counted somewhere at every instant: as a goroutine that is not waiting, a held P, a timer, a
//     waiter for an fd, a thread that is not parked in the runtime. A thread that the runtime does not know might call in: then all is well.
// The race that matters: an M that has taken a waiter from the poller, or a timer from its heap, and has not made its goroutine ready yet.
//   So a verdict of death counts only when a second look, kSecondLook later, says the same and no P has picked anything between.
#pragma once

#include <cstdint>

namespace gossamer::rt {

struct life_signs {
    unsigned held_ps = 0;          // an M runs or searches
    unsigned blocking = 0;         // goroutines in announced blocking calls
    unsigned timers = 0;           // pending
    unsigned fd_waiters = 0;       // goroutines and threads that wait for descriptors
    unsigned signal_users = 0;     // channels and contexts that wait for signals
    unsigned awake_threads = 0;    // plain threads that called in once and are not parked in the runtime
    unsigned unknown_threads = 0;  // of the process, never seen here
    uint64_t busy_goroutines = 0;  // runnable or running
    uint64_t goroutines = 0;       // alive, the library's own not counted
    unsigned parked_threads = 0;   // plain threads parked in the runtime
    bool main_ended = false;       // the only thread parked waits for a main goroutine that is gone
    uint64_t picks = 0;            // of all Ps; tells whether anything happened between two looks
};

enum class verdict { alive, deadlock, no_goroutines };

verdict judge(const life_signs& signs);
life_signs take_life_signs();

// Ends the process with the report when judge() says so twice. Returns otherwise.
void check_deadlock();

}  // namespace gossamer::rt
