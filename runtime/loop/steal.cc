// SPDX-License-Identifier: BSL-1.0
#include "runtime/loop/steal.h"

#include <utility>

#include "runtime/arch/cpu.h"
#include "runtime/netpoll/netpoll.h"
#include "runtime/park/park.h"
#include "runtime/sched/handshake.h"
#include "runtime/sched/trace.h"
#include "runtime/sched/victims.h"
#include "runtime/timer/timer_heap.h"

namespace gossamer::rt {

namespace {

constexpr int64_t kSearchNs =
    20'000;  // how long an M spins before it sleeps; a futex wake costs the waker half of that
constexpr int64_t kPatienceNs = 4'000;  // how long an owner may take to answer before it is seized
constexpr int64_t kNextSlotNs =
    10'000;  // how long a next slot must stand still: a hand-over inside a pair takes 0.1 us

struct loot {
    g_batch gs;
    bool with_next;
};

void take_loot(M*, P* p, void* arg) {
    auto* l = static_cast<loot*>(arg);
    bool ring = p->queued() != 0;
    take_half(p, l->with_next, &l->gs);
    if (!ring && l->gs.count != 0) {  // its owner did not run it soon: wake somebody at once the next time
        p->eager_wake = true;
        p->own_picks = 0;
    }
}

// From a victim that does not answer: the first G is returned, the rest goes to the thief's ring.
G* take_from(M* victim, P* p, P* own, bool with_next) {
    loot l{{}, with_next};
    if (!seize(victim, p, take_loot, &l) || l.gs.count == 0) return nullptr;
    count(event::steal);
    count(event::stolen_g, l.gs.count);
    if (M* m = current_m(); recording(m)) [[unlikely]]
        trace_plain(m, box::kind::steal, l.gs.count, p->id);
    for (uint32_t i = 1; i < l.gs.count; i++) put_tail(own, l.gs.gs[i]);
    return l.gs.gs[0];
}

// What is due in heaps of others; their Gs come into the caller's ring.
bool run_others_timers(P* own) {
    int64_t now = 0;
    unsigned n = sched.ps_made.load();
    for (unsigned i = 0; i < n; i++) {
        int64_t due = p_at(i)->next_deadline.load();
        if (due == kNoDeadline || i == own->id) continue;
        if (now == 0) now = now_ns();
        if (due <= now) run_due(i, now);
    }
    return own->has_queued();
}

G* first_of(P* own) {
    G* g = get_next(own);
    return g != nullptr ? g : get_head(own);
}

struct suspicion {
    const G* next = nullptr;
    int64_t since = 0;
};

}  // namespace

G* steal(M* m) {
    P* own = m->p;
    if (run_others_timers(own)) return first_of(own);
    unsigned procs = sched.procs.load();
    if (procs == 1) return nullptr;
    count(event::search);
    int64_t began = now_ns(), now = began;
    int64_t asked_since = 0;
    unsigned start = own->random.below(procs);
    suspicion suspects[2];  // by parity of the P's number: a bounded memory is enough, sysmon has the rest
    // Waking took longer than a next slot has to stand still.
    glimpse seen = std::exchange(m->seen, glimpse{});
    if (seen.p != nullptr && seen.p->turn.load() == seen.turn)
        suspects[seen.p->id % 2] = {seen.next, began - 2 * kNextSlotNs};
    for (unsigned round = 0;; round++) {
        if (G* g = get_global(own, kGlobalBatch)) return g;
        bool others_run = false, work = false;
        for (unsigned i = 0; i < procs; i++) {
            P* p = p_at(victim(own->id, start, i, procs));
            if (p == own) continue;
            M* v = p->m.load();
            if (v == nullptr) continue;
            others_run = true;
            if (p->queued() != 0) {
                work = true;
                if (asked_since == 0) asked_since = now;
                if (now - asked_since < kPatienceNs) {
                    if ((v->attention.load() & kShare) == 0) v->attention.fetch_or(kShare);
                    continue;
                }
                if (G* g = take_from(v, p, own, false)) return g;
                // The owner stands inside the runtime, perhaps because our wake-up took its core: let it go on. (Spinning on instead
                // cost the row echo half of its processor time when the machine was busy.)
                os::yield_cpu();
                asked_since = now_ns();
            } else if (const G* next = p->next.load()) {
                suspicion& s = suspects[p->id % 2];
                if (s.next != next) {
                    s = {next, now};
                } else if (now - s.since > kNextSlotNs) {
                    work = true;
                    if (v->in_runtime.load() != 0) {  // perhaps our wake-up took its core: let it go on
                        os::yield_cpu();
                        continue;
                    }
                    if (G* g = take_from(v, p, own, true)) return g;
                    s.since = now;
                }
            }
        }
        if (!others_run) break;  // nothing can come but from timers, the network or plain threads: those wake us
        if (netpoll_active() && netpoll_waiters() != 0 && !sched.someone_polls.load() && round % 8 == 7) {
            G* list = nullptr;
            if (netpoll(0, &list) != 0) {
                ready_batch(list);
                return first_of(own);
            }
        }
        for (int i = 0; i < 20; i++) arch::cpu_relax();
        now = now_ns();
        if (now - began > (work ? 4 * kSearchNs : kSearchNs)) break;
    }
    count(event::empty_search);
    return nullptr;
}

}  // namespace gossamer::rt
