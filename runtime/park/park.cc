// SPDX-License-Identifier: BSL-1.0
#include "runtime/park/park.h"

#include "runtime/base/fatal.h"
#include "runtime/sched/idle.h"
#include "runtime/sched/mcall.h"

namespace gossamer::rt {

namespace {

void after_park(M* m) {
    G* g = m->left;
    commit_fn commit = m->commit;
    g->status.store(g_status::waiting, release);  // pairs with the load in ready()
    if (commit == nullptr || commit(g, m->commit_arg)) return;
    g->status.store(g_status::runnable, relaxed);  // pairs with nothing: only this M knows g
    put_next(m->p, g);
}

void after_yield(M* m) {
    G* g = m->left;
    g->status.store(g_status::runnable, relaxed);  // pairs with nothing: the ring is ours until we leave the runtime
    if (!try_put_tail(m->p, g)) [[unlikely]]
        overflow_yielded(m->p, g);
}

[[gnu::noinline]] void park_thread(M* m, G* g, commit_fn commit, void* arg) {
    g->status.store(g_status::waiting, release);  // pairs with the load in ready()
    if (commit == nullptr || commit(g, arg)) {
        m->parked.store(true);
        if (sched.sysmon_asleep.load())
            sched.sysmon_note.wake();  // perhaps the last one awake: it looks for a deadlock
        m->wake.sleep();
        m->parked.store(false);
    }
    g->status.store(g_status::running);
}

[[gnu::noinline]] void ready_thread(G* g) { g->m->wake.wake(); }

// Whether a G in the next slot alone is worth a wake-up: see idle.h, invariant 3.
inline void wake_for_next(P* p) {
    if (p->queued() == 0) {
        if (!p->eager_wake) return;
        if (++p->own_picks > 16) p->eager_wake = false;
        return wake_if_idle(p);
    }
    wake_if_idle();
}

// To who inspects.
inline void tell_ready(M* m, G* g) {
    if (recording(m)) [[unlikely]]
        trace_ready(m, g);
    if (m->readies++ % kSampled == 0) [[unlikely]]
        probe_ready(g);
}

inline void make_runnable(G* g) {
    check(g->status.load(acquire) == g_status::waiting, "ready() is for a G that waits");  // pairs with after_park()
    g->status.store(g_status::runnable, relaxed);  // pairs with nothing: the queue publishes g
}

}  // namespace

void park(commit_fn commit, void* arg, wait_reason why, const void* object, void* site) {
    M* m = current_m();
    G* g = m->curg;
    g->reason.store(why, relaxed);          // pairs with nothing: only reported
    g->wait_object.store(object, relaxed);  // pairs with nothing: only reported
    g->wait_since.store(0, relaxed);        // pairs with nothing: only reported
    g->param = site;
    if (m->is_thread) [[unlikely]]
        return park_thread(m, g, commit, arg);
    m->commit = commit;
    m->commit_arg = arg;
    m->after_switch = after_park;
    switch_from_g(m, g, pick_local(m, g), leave_kind::block);
}

void ready(G* g) {
    make_runnable(g);
    if ((g->flags & kThread) != 0) [[unlikely]]
        return ready_thread(g);
    M* m = current_m();
    tell_ready(m, g);
    P* p = m->p;
    if (p == nullptr) [[unlikely]] {
        put_global(g);
        wake_from_outside();
        return;
    }
    put_next(p, g);
    wake_for_next(p);
}

unsigned ready_batch(G* first, bool wake) {
    M* m = current_m();
    P* p = m->p;
    unsigned n = 0;
    bool quiet = !wake && p != nullptr && (p->queued() == 0 || is_quiet(p));
    g_batch rest;
    while (first != nullptr) {
        G* g = first;
        first = g->next;
        n++;
        __builtin_prefetch(g->context);  // its stack is likely cold, and is wanted soon
        make_runnable(g);
        if ((g->flags & kThread) != 0) {
            ready_thread(g);
            continue;
        }
        tell_ready(m, g);
        if (p != nullptr)
            put_tail(p, g);
        else
            rest.gs[rest.count++] = g;
        if (rest.count == kRingSize / 2) {
            put_global_batch(rest);
            rest.count = 0;
        }
    }
    put_global_batch(rest);
    if (quiet) p->quiet_tail = p->tail.load(relaxed);  // owner's own
    if (p == nullptr)
        wake_from_outside();
    else if (wake)
        wake_if_idle();
    return n;
}

void yield() {
    in_runtime scope;
    M* m = current_m();
    G* g = m->curg;
    if (m->is_thread) [[unlikely]]
        return os::yield_cpu();
    P* p = m->p;
    G* next = pick_local(m);
    // The turn is the owner's own; the attention pairs with the fetch_or of who asks, and a late look is only late.
    if (next == nullptr && !p->has_queued() && !is_loops(p->turn.load(relaxed) + 1) &&
        m->attention.load(relaxed) == 0) {
        p->turn.store(p->turn.load(relaxed) + 1, relaxed);  // owner's own; pairs with nothing
        return;
    }
    // Not into the ring before the switch: a full ring spills to the global queue, where another M would find a G still on its stack.
    m->after_switch = after_yield;
    switch_from_g(m, g, next, leave_kind::yield);
}

}  // namespace gossamer::rt
