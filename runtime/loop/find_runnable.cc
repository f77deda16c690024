// SPDX-License-Identifier: BSL-1.0
#include "runtime/loop/find_runnable.h"

#include <utility>

#include "runtime/base/fatal.h"
#include "runtime/loop/steal.h"
#include "runtime/netpoll/netpoll.h"
#include "runtime/park/park.h"
#include "runtime/sched/g_table.h"
#include "runtime/sched/idle.h"
#include "runtime/sched/mcall.h"
#include "runtime/sched/trace.h"
#include "runtime/timer/timer_heap.h"

namespace gossamer::rt {

namespace {

constexpr int64_t kPollNs = 10'000'000;  // how long events may lie in the kernel behind a long queue

// A P beyond the wanted number: its work to the others, itself to rest.
void retire(M* m, P* p) {
    while (G* g = get_next(p)) put_global(g);
    while (p->queued() != 0) share_half(p);
    move_timers(p->id, 0);
    flush_gs(p);
    flush_stacks(&p->stacks);
    release_p(m);
    stop_searching(m);
    wake_if_idle();
}

// True when a new slice is to begin.
bool answer(M* m, P* p) {
    uint32_t asked = m->attention.load() & ~(kFence | kSeizing);
    if (asked == 0) return false;
    m->attention.fetch_and(~asked);
    if ((asked & kYield) != 0) {  // a new slice: what waits in the ring goes before the next slot
        if (G* g = get_next(p)) put_tail(p, g);
        p->tick.store(p->tick.load(relaxed) + 1, relaxed);  // owner's own; sysmon guesses
    }
    if ((asked & kShare) != 0 && p->queued() != 0) {
        count(event::share);
        share_half(p);
    }
    return (asked & kYield) != 0;
}

void run_own_timers(P* p) {
    int64_t due = p->next_deadline.load(relaxed);  // pairs with the timer floor's publish; a late look is only late
    if (due == kNoDeadline || os::quick_now_ns() + os::kQuickFuzz < due) return;
    int64_t now = now_ns();
    if (due <= now) run_due(p->id, now);
}

bool look_at_network() {
    if (!netpoll_active() || netpoll_waiters() == 0) return false;
    G* list = nullptr;
    sched.last_poll.store(now_ns(), relaxed);  // pairs with nothing: sysmon guesses
    unsigned n = netpoll(0, &list);
    if (n == 0) return false;
    if (M* m = current_m(); recording(m)) [[unlikely]]
        trace_plain(m, box::kind::poll, n, 0);
    ready_batch(list);
    return true;
}

// A searcher that found work: the next one is woken if there is more.
G* found(M* m, G* g) {
    if (m->spinning) {
        stop_searching(m);
        bool more = m->p->queued() != 0 && !is_quiet(m->p);
        if (sched.idle_ps.load() != 0 && (more || work_elsewhere(m->p))) wake_one();
    }
    return g;
}

G* take_local(M* m, P* p, bool new_slice) {
    G* g = get_next(p);
    if (g != nullptr) return g;
    // As in pick_local(): a visit to the loop is no reason to begin the oldest branch of a tree.
    G* parent = std::exchange(m->left, nullptr);
    if (!new_slice && parent != nullptr &&
        parent->status.load(relaxed) == g_status::waiting)  // a guess; pairs with nothing
        if ((g = get_own_child(p, parent)) != nullptr) return g;
    g = get_head(p);
    if (g != nullptr) p->tick.store(p->tick.load(relaxed) + 1, relaxed);  // owner's own; sysmon guesses
    return g;
}

bool may_search(M* m) {
    if (m->spinning) return true;
    uint32_t procs = sched.procs.load(), idle = sched.idle_ps.load();
    uint32_t busy = procs > idle ? procs - idle : 0;
    if (2 * sched.spinning.load() >= busy) return false;
    m->spinning = true;
    sched.spinning.fetch_add(1);
    return true;
}

int64_t earliest_deadline() {
    int64_t earliest = kNoDeadline;
    unsigned n = sched.ps_made.load();
    for (unsigned i = 0; i < n; i++) {
        int64_t d = p_at(i)->next_deadline.load();
        if (d < earliest) earliest = d;
    }
    return earliest;
}

// Waits in the poller until an event, a deadline or a break. The M holds no P.
void sleep_in_netpoll(M* m) {
    sched.poll_until.store(kNoDeadline);  // announced first, then the deadlines are read: see on_new_deadline
    int64_t until = earliest_deadline();
    sched.poll_until.store(until);
    G* list = nullptr;
    unsigned n = 0;
    if (!work_anywhere()) {
        int64_t wait = -1;
        if (until != kNoDeadline) {
            wait = wake_moment(until) - now_ns();
            if (wait < 0) wait = 0;
        }
        n = netpoll(wait, &list);
    }
    sched.poll_until.store(INT64_MIN);
    sched.last_poll.store(now_ns(), relaxed);  // pairs with nothing: sysmon guesses
    sched.someone_polls.store(false);
    if (acquire_idle_p(m, m->old_p) != nullptr) {
        m->spinning = true;
        sched.spinning.fetch_add(1);
    }
    if (n != 0 && recording(m)) [[unlikely]]
        trace_plain(m, box::kind::poll, n, 0);  // also its clock reading, for those who are made ready
    if (list != nullptr) ready_batch(list);
}

}  // namespace

void on_new_deadline(int64_t when) {
    full_fence();  // the deadline is stored, then poll_until is read; sleep_in_netpoll() does it the other way round
    if (when < sched.poll_until.load()) netpoll_break();
}

void serve(M* m, P* p) {
    answer(m, p);
    run_own_timers(p);
}

G* find_runnable(M* m) {
    for (;;) {
        if (m->p == nullptr) stop_m(m);
        P* p = m->p;
        bool new_slice = answer(m, p);
        if (p->id >= sched.procs.load()) [[unlikely]] {
            retire(m, p);
            continue;
        }
        // Every 64th pick, whoever makes it: else what lies in the global queue starves behind two rings that never run dry.
        uint32_t turn = p->turn.load(relaxed) + 1;  // owner's own; pairs with nothing
        bool fair = is_loops(turn);
        p->turn.store(turn, relaxed);  // owner's own; pairs with nothing
        run_own_timers(p);
        if (fair) {
            // Behind a long queue newcomers wait anyway, and more of them than the ring holds would overflow it: those that it throws into
            // the global queue would wait for ever longer.
            bool few = p->queued() < kRingSize / 4 && sched.global.maybe_empty();
            if (few || now_ns() - sched.last_poll.load() > kPollNs) look_at_network();
            // One, so that what the ring's goroutines have started is done before more is begun; a batch where they only circulate.
            if (G* g = get_global(p, p->crowded ? kGlobalBatch : 1)) return found(m, g);
        }
        if (G* g = take_local(m, p, new_slice)) return found(m, g);
        p->crowded = false;
        if (G* g = get_global(p, kGlobalBatch)) return found(m, g);
        if (look_at_network()) continue;
        if (may_search(m))
            if (G* g = steal(m)) return found(m, g);

        // Nothing. Give the P back; what a searcher may have been counted on for is looked at once more.
        if (sched.global.size() != 0 || p->has_queued()) continue;
        release_p(m);
        bool searched = m->spinning;
        stop_searching(m);
        if (sched.idle_ps.load() < sched.procs.load())
            os::heavy_fence();  // else no queue but the global one can have been filled
        if (searched && work_anywhere() && acquire_idle_p(m, m->old_p) != nullptr) {
            m->spinning = true;
            sched.spinning.fetch_add(1);
            continue;
        }
        if (!sched.someone_polls.exchange(true)) sleep_in_netpoll(m);
    }
}

}  // namespace gossamer::rt
