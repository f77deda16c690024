// SPDX-License-Identifier: BSL-1.0
#include "runtime/sched/sched.h"

namespace gossamer::rt {

constinit scheduler sched;

void put_global(G* g) {
    lock_guard guard(sched.mutex);
    sched.global.push_back(g);
    sched.global_size.store(sched.global.count, relaxed);  // pairs with the guess in get_global()
}

void put_global_batch(g_list list) {
    if (list.count == 0) return;
    lock_guard guard(sched.mutex);
    if (sched.global.last != nullptr)
        sched.global.last->next = list.first;
    else
        sched.global.first = list.first;
    sched.global.last = list.last;
    sched.global.count += list.count;
    sched.global_size.store(sched.global.count, relaxed);  // pairs with the guess in get_global()
}

G* get_global(P* p) {
    if (sched.global_size.load(relaxed) == 0) return nullptr;  // a guess; pairs with the stores under the mutex
    g_list got;
    {
        lock_guard guard(sched.mutex);
        uint32_t size = sched.global.count;
        uint32_t n = size / sched.procs.load() + 1;
        if (n > size) n = size;
        uint32_t room = kRingSize - p->queued();
        if (n > room + 1) n = room + 1;
        if (n > kRingSize / 2) n = kRingSize / 2;
        for (; n > 0; n--) {
            G* g = sched.global.pop_front();
            got.push_back(g);
        }
        sched.global_size.store(sched.global.count, relaxed);  // pairs with the guess above
    }
    G* first = got.pop_front();
    while (G* g = got.pop_front()) put_tail(p, g);
    return first;
}

void overflow_ring(P* p, G* g) {
    g_list half = take_half(p, false);
    half.push_back(g);
    put_global_batch(half);
}

P* p_at(unsigned i) { return sched.ps[i].load(acquire); }  // pairs with the store that published it (idle.cc)

uint64_t live_goroutines() {
    // Ended first: a goroutine counted as ended has been counted as created by the second pass.
    uint64_t ended = sched.thread_ended.load(), created = 0;
    unsigned n = sched.ps_made.load();
    for (unsigned i = 0; i < n; i++) ended += p_at(i)->ended.load();
    created = sched.thread_created.load();
    for (unsigned i = 0; i < n; i++) created += p_at(i)->created.load();
    return created - ended;
}

uint32_t fast_random() {
    M* m = current_m();
    if (m->p != nullptr) return m->p->random.next();
    static atomic<uint32_t> counter{1};
    random32 r(counter.fetch_add(1));
    r.next();
    return r.next();
}

bool on_goroutine() {
    M* m = current_m_or_null();
    return m != nullptr && !m->is_thread && m->curg != nullptr;
}

}  // namespace gossamer::rt
