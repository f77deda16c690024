// SPDX-License-Identifier: BSL-1.0
// runtime: asking and steering the scheduler.
#pragma once

#include <cstdint>

namespace gossamer::runtime {

// How many goroutines run at once (Go's GOMAXPROCS). At the start: GOSSAMER_PROCS, else the CPUs that the affinity mask and the cgroup v2
// quota allow (SEMANTICS RT2); while the program works it follows them, looked at once a second, until set_procs() or GOSSAMER_PROCS says a
// number (SEMANTICS RT3).
unsigned procs();
// Changes it while everything runs and returns the old value; n < 1 panics, above 1,024 panics. Goroutines on a P that is let go move to others.
unsigned set_procs(int n);
// CPUs this process may use.
unsigned num_cpu();
// Goroutines that are alive, blocked ones included, the library's own excluded (SEMANTICS G12). 0 where no goroutine was started.
std::uint64_t num_goroutines();
// The number of the calling goroutine, as dumps show it; from 1, never reused. For logs and tests, not for keys (SEMANTICS G5).
std::uint64_t goroutine_id();
// True on a goroutine, false on a plain thread.
bool on_goroutine();

// How often things have happened since the program began; two readings subtracted tell what a piece of work made the scheduler do. Only what is
// slow is counted, by each thread in words of its own, so counting costs nothing where it would matter.
struct counters {
    // Goroutines, the library's own excluded; scheduler threads made so far.
    std::uint64_t goroutines_created, goroutines_alive, threads;

    // Work that changes hands. A thread without work began to search that of others; and ended its search with nothing.
    std::uint64_t searches, empty_searches;
    // A searcher took work from a processor whose thread did not answer; goroutines taken so; a processor gave half of its queue to the global
    // one because a searcher asked.
    std::uint64_t steals, stolen_goroutines, shares;
    // Attempts to lay hands on a processor behind its thread's back, by searchers and the monitor; those that found the thread inside the runtime.
    std::uint64_t handshakes, refused_handshakes;
    // The monitor took a processor from a thread that blocks or computes; it asked a goroutine to give way after 10 ms.
    std::uint64_t retakes, preemptions;
    // Memory fences that interrupt each running CPU (membarrier).
    std::uint64_t fences;

    // Threads woken by a system call; wake-ups left to somebody else who was faster (a failed compare-and-swap); threads that went to sleep;
    // the sleeper in the poller was interrupted; a thread slept in the poller; a processor was put aside for want of work.
    std::uint64_t wakes, lost_wakes, sleeps, poller_wakes, poller_sleeps, idle_processors;

    // A lock of the runtime was found taken (a failed compare-and-swap); the waiter gave its CPU away before it came free. mutex::lock() had to queue.
    std::uint64_t lock_waits, lock_yields, mutex_waits;

    // A processor's queue of 256 was full; batches put into and taken from the global queue, and goroutines in them.
    std::uint64_t queue_overflows, global_puts, global_put_goroutines, global_gets, global_got_goroutines;
    // Batches of dead goroutines and of stacks moved between a processor and the central lists.
    std::uint64_t goroutine_batches, stack_batches;

    // Looks at the poller that did not wait; goroutines that the poller made ready; timers and sleepers whose time had come.
    std::uint64_t polls, polled_goroutines, timers_run;
};
// From anywhere; stops nobody. Each counter is right for a moment during the call, and only goroutines_alive ever goes back.
counters metrics();

}  // namespace gossamer::runtime
