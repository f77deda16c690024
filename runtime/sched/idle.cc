// SPDX-License-Identifier: BSL-1.0
#include "runtime/sched/idle.h"

#include <cstring>
#include <new>

#include "runtime/base/fatal.h"
#include "runtime/sched/g_table.h"
#include "runtime/sched/trace.h"

namespace gossamer::rt {

namespace {

// REQUIRES: sched.mutex.
void push_idle_p(P* p) {
    p->status.store(p_status::idle);
    p->m.store(nullptr);
    p->idle_next = sched.idle_p_list;
    sched.idle_p_list = p;
    sched.idle_ps.fetch_add(1);
}

// REQUIRES: sched.mutex. The preferred one when it is in the list.
P* pop_idle_p(P* preferred) {
    P** link = &sched.idle_p_list;
    if (preferred != nullptr)
        for (P** l = link; *l != nullptr; l = &(*l)->idle_next)
            if (*l == preferred) {
                link = l;
                break;
            }
    P* p = *link;
    if (p == nullptr) return nullptr;
    *link = p->idle_next;
    sched.idle_ps.fetch_sub(1);
    return p;
}

// After a P has left the idle list, and after the M that is to run with it was woken: the goroutine does not wait for the monitor's wake-up.
void wake_sysmon() {
    if (sched.sysmon_asleep.load()) sched.sysmon_note.wake();
}

// REQUIRES: sched.mutex. The one that held p last, else the newest.
M* pop_idle_m(P* p) {
    M** link = &sched.idle_m_list;
    for (M** l = link; *l != nullptr; l = &(*l)->idle_next)
        if (*l == p->last_m) {
            link = l;
            break;
        }
    M* m = *link;
    if (m == nullptr) return nullptr;
    *link = m->idle_next;
    sched.idle_m_count--;
    return m;
}

}  // namespace

void hold(M* m, P* p) {
    p->last_m = m;
    p->status.store(p_status::held);
    m->p = p;
    p->m.store(m);
    trace_p(m, box::kind::p_take, p);
}

void wake_one(const P* next_of) {
    uint32_t none = 0;
    if (!sched.spinning.compare_exchange_strong(none, 1)) return count(event::lost_wake);
    P* p;
    {
        lock_guard guard(sched.mutex);
        p = pop_idle_p(nullptr);
    }
    if (p == nullptr) {
        sched.spinning.fetch_sub(1);
        return;
    }
    start_m(p, true, next_of);
    wake_sysmon();
}

void wake_from_outside() {
    full_fence();
    wake_if_idle();
}

void start_m(P* p, bool spinning, const P* next_of) {
    glimpse seen;
    if (next_of != nullptr) seen = {next_of, next_of->next.load(), next_of->turn.load()};
    M* m;
    {
        lock_guard guard(sched.mutex);
        m = pop_idle_m(p);
    }
    if (m != nullptr) {
        m->spinning = spinning;
        m->seen = seen;
        m->given.store(p);
        m->wake.wake();
        return;
    }
    m = new_m();
    m->spinning = spinning;
    m->seen = seen;
    m->given.store(p);
    if (int failed = os::start_thread(m_main, m, "gossamer"))
        fatal("start_m: cannot start thread number %u: %s", m->number, strerror(failed));
}

bool work_anywhere() { return work_elsewhere(nullptr); }

bool work_elsewhere(const P* own) {
    if (sched.global.size() != 0) return true;
    unsigned n = sched.procs.load();
    for (unsigned i = 0; i < n; i++)
        if (p_at(i) != own && p_at(i)->queued() != 0) return true;
    return false;
}

void hand_off(P* p) {
    bool retired = p->id >= sched.procs.load();  // then the loop empties it and lets it go
    if (retired || p->has_queued() || sched.global.size() != 0 || p->next_deadline.load() != kNoDeadline)
        return start_m(p, false);
    {
        lock_guard guard(sched.mutex);
        push_idle_p(p);
    }
    os::heavy_fence();
    if (work_anywhere()) wake_one();
}

P* acquire_idle_p(M* m, P* preferred) {
    if (sched.idle_ps.load() == 0) return nullptr;
    P* p;
    {
        lock_guard guard(sched.mutex);
        p = pop_idle_p(preferred);
    }
    if (p != nullptr) {
        hold(m, p);
        wake_sysmon();
    }
    return p;
}

void release_p(M* m) {
    P* p = m->p;
    check(!p->has_queued(), "a P that goes idle has an empty queue");
    trace_p(m, box::kind::p_drop, p);
    m->old_p = p;
    m->p = nullptr;
    count(event::idle_p);
    lock_guard guard(sched.mutex);
    if (p->id >= sched.procs.load()) {
        p->status.store(p_status::retired);
        p->m.store(nullptr);
        return;
    }
    push_idle_p(p);
}

void stop_m(M* m) {
    check(m->p == nullptr && !m->spinning, "an M that sleeps holds no P and does not search");
    {
        lock_guard guard(sched.mutex);
        m->idle_next = sched.idle_m_list;
        sched.idle_m_list = m;
        sched.idle_m_count++;
    }
    m->parked.store(true);
    P* p;
    do m->wake.sleep();
    while ((p = m->given.exchange(nullptr)) == nullptr);
    m->parked.store(false);
    hold(m, p);
}

void make_ps(unsigned n) {
    for (unsigned i = sched.ps_made.load(); i < n; i++) {
        void* slot = new_slot(box::region_kind::ps, sizeof(P));
        if (slot == nullptr) fatal("set_procs: no memory for processor number %u", i);
        P* p = new (slot) P;
        p->id = i;
        p->random = random32(sched.settings.seed + i * 7919 + 1);
        p->status.store(p_status::retired);
        sched.ps[i].store(p, release);  // pairs with the acquire load in p_at()
        sched.ps_made.store(i + 1);
    }
}

void resize_ps(unsigned n) {
    make_ps(n);
    lock_guard guard(sched.mutex);
    unsigned old = sched.procs.exchange(n);
    the_box()->procs.store(n);
    for (unsigned i = old; i < n; i++)
        if (p_at(i)->status.load() == p_status::retired) push_idle_p(p_at(i));
    P** link = &sched.idle_p_list;
    while (*link != nullptr) {
        P* p = *link;
        if (p->id < n) {
            link = &p->idle_next;
            continue;
        }
        *link = p->idle_next;
        sched.idle_ps.fetch_sub(1);
        p->status.store(p_status::retired);
    }
    for (unsigned i = n; i < old; i++)
        if (M* m = p_at(i)->m.load()) m->attention.fetch_or(kVisit);
}

M* allocate_m() {
    void* slot = new_slot(box::region_kind::ms, sizeof(M));
    if (slot == nullptr) fatal("start_m: no memory for a thread");
    return new (slot) M;
}

M* new_m() {
    unsigned number = sched.m_count.fetch_add(1) + 1;
    if (number > sched.settings.max_threads) {
        print_error("runtime: program exceeds %u-thread limit\n", sched.settings.max_threads);
        fatal("thread exhaustion");
    }
    M* m = allocate_m();
    m->number = number;
    adopt_ring(m);
    if (sched.light_fence_is_full) m->attention.store(kFence);
    M* first = sched.all_ms.load();
    do m->all_next = first;
    while (!sched.all_ms.compare_exchange_weak(first, m));
    return m;
}

}  // namespace gossamer::rt
