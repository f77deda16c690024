// SPDX-License-Identifier: BSL-1.0
#include "runtime/sched/current.h"

#include "runtime/arch/cpu.h"
#include "runtime/base/fatal.h"
#include "runtime/sched/g_table.h"
#include "runtime/sched/idle.h"
#include "runtime/sched/mcall.h"
#include "runtime/sched/trace.h"

namespace gossamer::rt {

namespace {

lock plain_lock{lock_rank::all_g};
M* free_plain_ms = nullptr;  // under plain_lock; of threads that have ended

// A plain thread's M and stand-in go back when the thread ends; another plain thread takes them.
struct detach_at_exit {
    M* m = nullptr;
    ~detach_at_exit() {
        if (m == nullptr) return;
        if ((m->stand_in->flags & kHasLocals) != 0) sched.destroy_locals.load()(m->stand_in);
        arch::store_current_m(nullptr);
        count_into(nullptr);  // the next owner of the M counts there
        m->stand_in->status.store(g_status::dead);
        sched.plain_threads.fetch_sub(1);
        lock_guard guard(plain_lock);
        m->idle_next = free_plain_ms;
        free_plain_ms = m;
    }
};

void note_exit(M* m) {
    static thread_local detach_at_exit at_exit;
    at_exit.m = m;
}

void after_lost_p(M* m) {
    G* g = m->left;
    g->status.store(g_status::runnable, relaxed);  // pairs with nothing: the queue's lock publishes g
    put_global(g);
    wake_from_outside();
}

// The caller's P was taken while it was outside: another one, or to the end of the global queue.
M* want_p(M* m) {
    m->attention.fetch_and(~kTaken);
    if (m->blocking) {
        m->blocking = false;
        sched.blocking.fetch_sub(1);
        if (recording(m)) [[unlikely]]
            trace_plain(m, box::kind::call_end, m->curg->id.load(relaxed), 0);  // own
    }
    if (acquire_idle_p(m, m->old_p) != nullptr) {
        if (recording(m)) [[unlikely]]
            trace_start(m, m->curg);
        return m;
    }
    m->after_switch = after_lost_p;
    switch_from_g(m, m->curg, nullptr, leave_kind::lost);
    return current_m();
}

}  // namespace

M* attach_thread() {
    start_runtime();
    if (sched.in_forked_child.load()) fatal("the runtime does not survive fork(): the child may only exec or exit");
    M* m;
    {
        lock_guard guard(plain_lock);
        m = free_plain_ms;
        if (m != nullptr) free_plain_ms = m->idle_next;
    }
    if (m == nullptr) {
        m = allocate_m();
        m->stand_in = take_g(nullptr);
        m->is_thread = true;
        M* first = sched.plain_ms.load();
        do m->all_next = first;
        while (!sched.plain_ms.compare_exchange_weak(first, m));
    }
    G* g = m->stand_in;
    g->flags.store(kThread, relaxed);  // pairs with nothing: readers only report it
    g->m = m;
    g->name = "thread";
    g->id.store(sched.last_id.fetch_add(1) + 1);
    m->curg = g;
    learn_thread(m);
    g->status.store(g_status::running);
    sched.plain_threads.fetch_add(1);
    arch::store_current_m(m);
    count_into(&m->events);
    adopt_ring(m);
    note_exit(m);
    return m;
}

M* enter_slow(M* m) {
    for (;;) {
        uint32_t asked = m->attention.load(acquire);  // pairs with the fetch_and in seize()
        if ((asked & kFence) != 0) {
            full_fence();
            asked = m->attention.load(acquire);  // pairs with the fetch_and in seize()
        }
        if ((asked & kSeizing) != 0) {
            for (unsigned i = 0; (m->attention.load(acquire) & kSeizing) != 0;
                 i++)  // pairs with the fetch_and in seize()
                i < 200 ? arch::cpu_relax() : os::yield_cpu();
            continue;
        }
        if ((asked & kTaken) != 0) {
            m = want_p(m);
            continue;
        }
        if (m->is_thread) return m;
        if ((asked & ~kFence) != 0) {
            // Yield, share, retire: all are answered by the loop, on g0. Going there costs two switches, asked for at most every 10 ms or
            // by a searcher that has nothing to do.
            if ((asked & kYield) != 0)
                give_up_slice(m, m->curg);
            else
                visit_loop(m, m->curg);
            m = current_m();
            continue;
        }
        return m;
    }
}

}  // namespace gossamer::rt
