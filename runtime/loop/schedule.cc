// SPDX-License-Identifier: BSL-1.0
#include "runtime/loop/schedule.h"

#include "runtime/loop/find_runnable.h"
#include "runtime/loop/wired.h"
#include "runtime/sched/idle.h"
#include "runtime/sched/mcall.h"
#include "runtime/stack/overflow.h"

namespace gossamer::rt {

namespace {

// With -Dmigrate: a G never resumes on the M it ran on last; the P goes to another M with it.
bool sent_elsewhere(M* m, G* g) {
    if (!kMigrate || g->stk == nullptr || g->m != m) return false;
    stop_searching(m);
    P* p = m->p;
    put_next(p, g);
    m->old_p = nullptr;
    m->p = nullptr;
    p->m.store(nullptr);
    start_m(p, false);
    return true;
}

}  // namespace

void m_main(void* arg) {
    M* m = static_cast<M*>(arg);
    arch::store_current_m(m);
    count_into(&m->events);
    m->in_runtime.store(1);
    learn_thread(m);
    prepare_signal_stack();
    os::set_timer_slack_ns(1);
    if (P* p = m->given.exchange(nullptr)) hold(m, p);
    for (;;) {
        G* g = find_runnable(m);
        if (sent_home(m, g) || sent_elsewhere(m, g)) continue;
        do execute(m, g);
        while (m->wired != nullptr && (g = wait_with_wired(m)) != nullptr);
    }
}

}  // namespace gossamer::rt
