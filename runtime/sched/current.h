// SPDX-License-Identifier: BSL-1.0
// current: the calling thread's M and G, safe across a switch to another thread; and the door into the runtime.
// Called by / on: any thread, any stack.
// Invariants:
//   1 The address of the thread_local is never kept across a switch: it is read by an instruction the compiler may not move or
//     merge (arch/thread_pointer.h).
//   2 All that belongs to a P (rings, caches, next slot) is touched only between enter() and leave() of the M that holds the P, or by
//     somebody who seized that M (sched/handshake.h) while it was outside.
// The race that matters: enter() against seize(). enter: store in_runtime, compiler fence, load attention. seize: store attention,
//   heavy fence (membarrier), load in_runtime. Either seize sees the M inside, or the M sees the attention: never neither.
#pragma once

#include "runtime/arch/thread_pointer.h"
#include "runtime/base/atomic.h"
#include "runtime/sched/m.h"

namespace gossamer::rt {

// Null on a thread that never called the runtime.
inline M* current_m_or_null() { return arch::load_current_m(); }
// REQUIRES: inside an in_runtime scope (or on a thread that once was).
inline M* current_m() { return arch::load_current_m(); }
// The running goroutine, or the plain thread's stand-in. REQUIRES: inside an in_runtime scope.
inline G* current_g() { return current_m()->curg; }
// Null when the caller holds no P (a plain thread). REQUIRES: inside an in_runtime scope.
inline P* current_p() { return current_m()->p; }
// True on a goroutine, false on a plain thread. Callable anywhere.
bool on_goroutine();

// Gives a thread that never called the runtime its M and stand-in G; starts the runtime if need be. Idempotent.
[[gnu::noinline]] M* attach_thread();
// Answers what others asked of this M: gives back a P that was taken, yields, hands out work.
[[gnu::noinline]] M* enter_slow(M* m);

// Nests. After it the caller holds a P (on a goroutine) and keeps it until leave(), save for park().
inline M* enter() {
    M* m = arch::load_current_m();
    if (m == nullptr) [[unlikely]]
        m = attach_thread();
    uint32_t depth = m->in_runtime.load(relaxed);  // pairs with nothing: only this thread writes it
    m->in_runtime.store(depth + 1, relaxed);       // pairs with the heavy fence in seize()
    compiler_fence();
    // Acquire: what a seizer did to the queue while we were outside comes before what we do (pairs with the fetch_and in seize()).
    if (m->attention.load(acquire) != 0 && depth == 0) [[unlikely]]
        return enter_slow(m);
    return m;
}
inline void leave() {
    M* m = arch::load_current_m();
    m->in_runtime.store(m->in_runtime.load(relaxed) - 1, release);  // pairs with the acquire load in seize()
}

// Scope guard for the two.
class in_runtime {
  public:
    in_runtime() { enter(); }
    ~in_runtime() { leave(); }
    in_runtime(const in_runtime&) = delete;
    in_runtime& operator=(const in_runtime&) = delete;
};

}  // namespace gossamer::rt
