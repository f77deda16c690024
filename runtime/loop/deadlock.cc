// SPDX-License-Identifier: BSL-1.0
#include "runtime/loop/deadlock.h"

#include "runtime/base/fatal.h"
#include "runtime/debug/signal_thread.h"
#include "runtime/netpoll/netpoll.h"
#include "runtime/sched/g_table.h"
#include "runtime/sched/sched.h"
#include "runtime/stack/sanitizer.h"
#include "runtime/timer/timer_heap.h"

namespace gossamer::rt {

namespace {

// Many times what an M needs from taking a waiter to making it ready, also when the kernel takes its CPU for a slice.
constexpr int64_t kSecondLook = 20'000'000;

constexpr unsigned kSysmonThreads = 1;

void count_g(G* g, void* arg) {
    auto* s = static_cast<life_signs*>(arg);
    bool waits = g->status.load() == g_status::waiting;
    if ((g->flags & kThread) == 0) {
        if (!waits) s->busy_goroutines++;
    } else if (waits) {
        s->parked_threads++;
        if (g->reason.load() != wait_reason::join) s->main_ended = false;
    } else {
        s->awake_threads++;
    }
}

bool any_quick_sign(const life_signs& s) {
    return s.held_ps != 0 || s.blocking != 0 || s.timers != 0 || s.fd_waiters != 0 || s.signal_users != 0;
}

}  // namespace

verdict judge(const life_signs& s) {
    if (any_quick_sign(s) || s.awake_threads != 0 || s.unknown_threads != 0 || s.busy_goroutines != 0)
        return verdict::alive;
    if (s.goroutines != 0) return verdict::deadlock;
    if (s.parked_threads == 0) return verdict::alive;  // the runtime is at rest; nobody waits for anything
    return s.main_ended ? verdict::no_goroutines : verdict::deadlock;
}

life_signs take_life_signs() {
    life_signs s;
    unsigned procs = sched.ps_made.load();
    for (unsigned i = 0; i < procs; i++) {
        P* p = p_at(i);
        s.held_ps += p->status.load() == p_status::held ? 1 : 0;
        s.picks += p->turn.load() + p->tick.load() + p->created.load();
    }
    s.blocking = sched.blocking.load();
    s.timers = pending_timers();
    s.fd_waiters = netpoll_waiters();
    s.signal_users = signal_users();
    if (any_quick_sign(s)) return s;
    s.main_ended = true;
    for_each_g(count_g, &s);
    s.goroutines = live_goroutines();
    unsigned known =
        sched.m_count.load() + sched.plain_threads.load() + kSysmonThreads + signal_threads() + sanitizer_threads();
    unsigned all = unsigned(os::own_stat(20));
    s.unknown_threads = all == 0 ? 1 : all > known ? all - known : 0;
    return s;
}

void check_deadlock() {
    life_signs first = take_life_signs();
    if (judge(first) == verdict::alive) return;
    os::nap_ns(kSecondLook);
    life_signs second = take_life_signs();
    verdict v = judge(second);
    if (v == verdict::alive || second.picks != first.picks) return;
    if (v == verdict::no_goroutines) fatal("no goroutines (main called runtime.Goexit) - deadlock!");
    fatal("all goroutines are asleep - deadlock!");
}

}  // namespace gossamer::rt
