// SPDX-License-Identifier: BSL-1.0
#include "runtime/debug/metrics.h"

#include "runtime/sched/sched.h"

namespace gossamer::rt {

namespace {

// Of Ms linked by all_next; they are never freed.
void add(totals* t, const M* first) {
    for (const M* m = first; m != nullptr; m = m->all_next)
        for (size_t e = 0; e < size_t(event::kCount); e++)
            t->events[e] += m->events.of[e].load(relaxed);  // pairs with nothing: a guess
}

}  // namespace

totals sum_counts() {
    totals t;
    t.alive = live_goroutines();
    t.created = created_goroutines();
    t.threads = sched.m_count.load();
    add(&t, sched.all_ms.load());
    add(&t, sched.plain_ms.load());
    return t;
}

}  // namespace gossamer::rt
