// SPDX-License-Identifier: BSL-1.0
#include "runtime/park/syscall.h"

#include "runtime/sched/idle.h"
#include "runtime/sched/trace.h"

namespace gossamer::rt {

void begin_blocking() {
    M* m = enter();
    if (!m->is_thread && m->in_runtime.load(relaxed) == 1) {  // own
        P* p = m->p;
        if (recording(m)) [[unlikely]]
            trace_plain(m, box::kind::call_begin, m->curg->id.load(relaxed), p->id);  // own
        m->old_p = p;
        m->p = nullptr;
        m->blocking = true;
        sched.blocking.fetch_add(1);
        m->attention.fetch_or(kTaken);
        p->m.store(nullptr);
        hand_off(p);
    }
    leave();
}

void end_blocking() { in_runtime scope; }

}  // namespace gossamer::rt
