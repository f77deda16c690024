// SPDX-License-Identifier: BSL-1.0
#include "runtime/loop/wired.h"

#include "runtime/base/fatal.h"
#include "runtime/debug/dump.h"
#include "runtime/loop/find_runnable.h"
#include "runtime/sched/idle.h"
#include "runtime/sched/trace.h"

namespace gossamer::rt {

namespace {

// The P leaves m, and is nobody's until somebody holds it.
P* let_go(M* m) {
    P* p = m->p;
    trace_p(m, box::kind::p_drop, p);
    m->old_p = p;
    m->p = nullptr;
    p->m.store(nullptr);
    return p;
}

// True when g is what the P runs next; it is then off the queue.
bool is_first(P* p, const G* g) {
    G* first = get_next(p);
    if (first == nullptr) first = get_head(p);
    if (first == g) return true;
    if (first != nullptr) put_next(p, first);
    return false;
}

void report_once(const M* m, const G* g) {
    static atomic<bool> reported{false};
    if (!reported.exchange(true)) report_held_lock(g, m->locks);
}

}  // namespace

bool sent_home(M* m, G* g) {
    if ((g->flags.load(relaxed) & kLocked) == 0) return false;  // own, from the queue
    check(g->m != m, "an M with a wired goroutine looks for no other");
    stop_searching(m);
    M* its = g->m;  // with the P it may run, at once
    its->given.store(let_go(m));
    its->wake.wake();
    return true;
}

G* wait_with_wired(M* m) {
    G* g = m->wired;
    bool home = false;
    if (m->p != nullptr) {
        serve(m, m->p);
        bool retired = m->p->id >= sched.procs.load();  // who gets it then empties it and lets it go
        home = !retired && is_first(m->p, g);
        if (!home) hand_off(let_go(m));
    }
    report_once(m, g);
    if (!home) {
        m->parked.store(true);
        P* p;
        while ((p = m->given.exchange(nullptr)) == nullptr) m->wake.sleep();
        m->parked.store(false);
        hold(m, p);
    }
    m->wired = nullptr;
    g->flags.store(uint8_t(g->flags.load(relaxed) & ~kLocked), relaxed);  // own
    return g;
}

}  // namespace gossamer::rt
