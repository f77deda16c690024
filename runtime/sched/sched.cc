// SPDX-License-Identifier: BSL-1.0
#include "runtime/sched/sched.h"

#include <algorithm>

namespace gossamer::rt {

constinit scheduler sched;

namespace {

void put(G* const* gs, uint32_t n) {
    if (n == 0) return;
    count(event::global_put);
    count(event::global_put_g, n);
    sched.global.push_many(gs, n);
}

}  // namespace

void put_global(G* g) { put(&g, 1); }

void put_global_batch(const g_batch& batch) { put(batch.gs, batch.count); }

void share_half(P* p) {
    g_batch half;
    take_half(p, false, &half);
    put_global_batch(half);
}

G* get_global(P* p, uint32_t most) {
    if (sched.global.maybe_empty()) return nullptr;
    uint32_t size = sched.global.size();
    uint32_t procs = sched.procs.load(), idle = sched.idle_ps.load(relaxed);  // a guess; pairs with nothing
    uint32_t n = size / (procs > idle ? procs - idle : 1) + 1;
    uint32_t room = kRingSize - p->queued();
    if (n > room + 1) n = room + 1;
    if (n > most) n = most;
    G* got[kGlobalBatch];
    n = sched.global.pop_many(got, n);
    for (uint32_t i = 1; i < n; i++) put_tail(p, got[i]);
    p->global_tail = p->tail.load(relaxed);  // owner's own; pairs with nothing
    if (n == 0) return nullptr;
    count(event::global_get);
    count(event::global_got_g, n);
    return got[0];
}

void overflow_ring(P* p, G* g) {
    count(event::ring_overflow);
    g_batch half;
    take_half(p, false, &half);
    half.gs[half.count++] = g;
    put_global_batch(half);
}

void overflow_yielded(P* p, G* g) {
    count(event::ring_overflow);
    p->crowded = true;
    g_batch newest;
    // Those that came after the last that the global queue gave.
    auto since = int32_t(p->tail.load(relaxed) - p->global_tail);  // owner's own; pairs with nothing
    take_newest(p, uint32_t(std::clamp(since, 0, int32_t(kRingSize / 2))), &newest);
    newest.gs[newest.count++] = g;
    put_global_batch(newest);
}

P* p_at(unsigned i) { return sched.ps[i].load(acquire); }  // pairs with the store that published it (idle.cc)

uint64_t created_goroutines() {
    uint64_t created = sched.thread_created.load();
    unsigned n = sched.ps_made.load();
    for (unsigned i = 0; i < n; i++) created += p_at(i)->created.load();
    return created;
}

uint64_t live_goroutines() {
    // Ended first: a goroutine counted as ended has been counted as created by the second pass.
    uint64_t ended = sched.thread_ended.load();
    unsigned n = sched.ps_made.load();
    for (unsigned i = 0; i < n; i++) ended += p_at(i)->ended.load();
    return created_goroutines() - ended;
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
