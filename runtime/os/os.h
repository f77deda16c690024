// SPDX-License-Identifier: BSL-1.0
// os: what a kernel must supply, and what each function promises. One small file per concern under os/<kernel>/; nothing else in the
// tree calls the kernel for scheduling.
// Called by / on: any thread, any stack. No function keeps errno for its caller.
#pragma once

#include <csignal>
#include <cstddef>
#include <cstdint>
#include <ctime>

#include "runtime/base/atomic.h"

namespace gossamer::rt::os {

// clock.cc
int64_t now_ns();          // monotonic
int64_t quick_now_ns();    // less than kQuickFuzz from now_ns(), either way (tick_clock.h)
void start_quick_clock();  // until then it is now_ns()
inline timespec to_timespec(int64_t ns) { return {time_t(ns / 1'000'000'000), long(ns % 1'000'000'000)}; }
int64_t thread_cpu_ns(clockid_t clock);  // CPU time a thread has used; -1 when the thread is gone

// futex.cc
// Sleeps while *word == expected, at most timeout_ns (< 0: for ever). May return early.
void futex_wait(atomic<uint32_t>* word, uint32_t expected, int64_t timeout_ns);
void futex_wake(atomic<uint32_t>* word, int count);
void yield_cpu();
void nap_ns(int64_t ns);

// barrier.cc
// True when heavy_fence() works; decided once, at the first call.
bool has_heavy_fence();
// After it, every running thread of the process has executed a full fence (membarrier PRIVATE_EXPEDITED).
void heavy_fence();

// memory.cc
inline constexpr size_t kPage = 4096;
// Address space without memory behind it until touched; null when there is none.
void* reserve(size_t bytes);
void release(void* base, size_t bytes);
struct range {
    void* base;
    size_t bytes;
};
enum class guard_kind { regions, mprotect, none };
// What this kernel offers: guard regions (Linux 6.13) or page protection; or what limit_guards() said before.
guard_kind guards();
void limit_guards(guard_kind at_most);
// Makes each range fault on access, in as few calls as can be; false when the kernel refuses.
bool guard(const range* ranges, unsigned count);
// Gives the pages back; they read as zero afterwards.
void give_back(const range* ranges, unsigned count);

// thread.cc
// Starts a detached thread with every signal blocked that it should not take; returns 0 or an errno value. EAGAIN: the system refused for 200 ms.
int start_thread(void (*main)(void*), void* arg, const char* name);
uint64_t thread_id();
clockid_t thread_cpu_clock();  // of the calling thread
void set_timer_slack_ns(uint64_t ns);
// The calling thread's own stack.
range thread_stack();
// A number from /proc/self/stat: field 20 is the threads of the process, 22 the moment it was started. 0 when it cannot be read. From the third field on.
uint64_t own_stat(unsigned field);

// cpus.cc
// CPUs this process may use: the affinity mask, cut by the cgroup v2 quota (rounded up, at least 2 as in Go 1.25; SEMANTICS RT2).
unsigned usable_cpus();
// Fills distance[i * n + j] for the first n usable CPUs: 0 the same core, 1 shared L2, 2 shared L3, 3 the same package, 4 the same machine.
// False when the machine does not tell. topology.cc
bool cpu_distances(unsigned n, unsigned char* distance);
unsigned cpus_under(const char* cgroup_root, const char* self_cgroup, unsigned affinity);

}  // namespace gossamer::rt::os
