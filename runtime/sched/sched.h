// SPDX-License-Identifier: BSL-1.0
// sched: the one global: what all Ps share. Contents page of this floor.
//   g.h g_table.h   goroutines and where they live        p.h runq.h     processors and their queues
//   m.h current.h   threads, and the door into the runtime  handshake.h    touching the P of an M that is outside
//   idle.h          who sleeps, who is woken               mcall.h        leaving a G's stack
//   spawn.h         from a closure to a runnable G
// Locks: `mutex` (rank sched) guards the idle lists.
#pragma once

#include "runtime/arch/cpu.h"
#include "runtime/sched/current.h"
#include "runtime/sched/global_queue.h"
#include "runtime/sched/runq.h"

namespace gossamer::rt {

struct scheduler {
    // Written by all; each on its own line. idle_ps and spinning are read by every wake-up.
    alignas(kCacheLine) atomic<uint32_t> idle_ps{0};
    atomic<uint32_t> spinning{0};  // Ms that search for work
    alignas(kCacheLine) global_queue global;
    alignas(kCacheLine) lock mutex{lock_rank::sched};
    P* idle_p_list = nullptr;   // under mutex
    M* idle_m_list = nullptr;   // under mutex
    unsigned idle_m_count = 0;  // under mutex

    alignas(kCacheLine) atomic<uint32_t> procs{0};
    atomic<P*> ps[kMaxProcs]{};  // [i] constant once set
    atomic<uint32_t> ps_made{0};
    atomic<M*> all_ms{nullptr};                           // linked by M::all_next
    atomic<M*> plain_ms{nullptr};                         // of plain threads, living and ended; linked by M::all_next
    atomic<uint32_t> m_count{0};                          // scheduler threads
    atomic<uint32_t> plain_threads{0};                    // attached plain threads that are alive
    atomic<uint32_t> blocking{0};                         // goroutines between begin_blocking and end_blocking
    atomic<uint64_t> thread_created{0}, thread_ended{0};  // goroutines made or ended where there was no P
    atomic<uint64_t> last_id{1};                          // 1 is kept for main
    atomic<bool> in_forked_child{false};                  // the threads stayed in the parent: nothing works any more

    alignas(kCacheLine) atomic<int64_t> poll_until{INT64_MIN};  // an M sleeps in netpoll until then; INT64_MIN: none
    atomic<bool> someone_polls{false};
    atomic<int64_t> last_poll{0};

    note sysmon_note;
    atomic<bool> sysmon_asleep{false};  // until a P is taken from the idle list

    // Upcalls, set once by loop/start.cc before the first P exists.
    void (*on_new_deadline)(int64_t when) = nullptr;  // a heap's earliest deadline became earlier
    void (*uncaught)(G* g) = nullptr;                 // in a catch block, on the G's stack; does not return
    atomic<void (*)(G* g)> destroy_locals{nullptr};   // go_local's table of an ending G
    config settings;
    arch::fp_control fp_control;       // of the thread that started the runtime: what each goroutine begins with
    bool light_fence_is_full = false;  // no membarrier on this kernel
};
extern scheduler sched;

// Starts the runtime; idempotent, any thread. Defined on the loop's floor: with m_main() the one link upwards.
void start_runtime();
void m_main(void* m);

inline void set_locals_destructor(void (*fn)(G* g)) { sched.destroy_locals.store(fn); }

// Orders the caller's queue stores before its look at who is idle. Pairs with the heavy fence an M makes before it sleeps.
inline void light_fence() {
    compiler_fence();
    if (sched.light_fence_is_full) [[unlikely]]
        full_fence();
}

// What a P with an empty ring takes: so few that those who are woken meanwhile find room in the ring (runtime/RATIONALE.md).
inline constexpr uint32_t kGlobalBatch = kRingSize / 4;
// The global queue. Batches keep their order.
void put_global(G* g);
void put_global_batch(const g_batch& batch);
// Half of p's ring to the global queue: a thief asked for it, or p is let go.
void share_half(P* p);
// The caller's fair share among the Ps at work, min(most, size, size / (procs - idle) + 1): the first is returned, the rest goes to p's ring.
// REQUIRES: most <= kGlobalBatch.
G* get_global(P* p, uint32_t most);

P* p_at(unsigned i);
// Goroutines that are alive, the library's own not counted.
uint64_t live_goroutines();
// Goroutines that were ever started, likewise.
uint64_t created_goroutines();
// A pseudo-random number. REQUIRES: inside the runtime.
uint32_t fast_random();

}  // namespace gossamer::rt
