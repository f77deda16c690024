// SPDX-License-Identifier: BSL-1.0
#include "runtime/sched/g_table.h"

#include <algorithm>
#include <boost/lockfree/stack.hpp>
#include <cstdlib>
#include <cstring>
#include <new>

#include "runtime/base/event.h"
#include "runtime/base/fatal.h"
#include "runtime/box/box.h"
#include "runtime/os/lock.h"
#include "runtime/sched/g_chunk.h"
#include "runtime/sched/runq.h"
#include "runtime/stack/sanitizer.h"

namespace gossamer::rt {

const char* words(g_status s) {
    static constexpr const char* kWords[] = {"dead", "runnable", "runnable", "running", "waiting"};
    return kWords[size_t(s)];
}

namespace {

constexpr unsigned kSlabGs = 4096;  // 768 KiB
constexpr size_t kCommitBytes = 64 << 10;
constexpr unsigned kMaxSlabs = 1 << 17;
constexpr uint32_t kBatch = 64;

using chunk_stack = boost::lockfree::stack<g_chunk*>;

// Made at first use and never destroyed: goroutines may still end while the process exits.
chunk_stack& dead_gs() {
    static auto* s = new chunk_stack(1024);
    return *s;
}
chunk_stack& empty_chunks() {
    static auto* s = new chunk_stack(1024);
    return *s;
}

lock table_lock{lock_rank::all_g};
atomic<G*>* slabs = nullptr;  // kMaxSlabs entries, reserved once
atomic<unsigned> slab_count{0};
atomic<unsigned> carved{kSlabGs};  // of the newest slab; written under table_lock
size_t committed = 0;              // bytes of the newest slab; under table_lock

// Up to `want` Gs that never lived, at ascending addresses.
[[gnu::noinline]] uint32_t carve(G** out, uint32_t want) {
    lock_guard guard(table_lock);
    if (carved.load() == kSlabGs) {
        if (slabs == nullptr) slabs = static_cast<atomic<G*>*>(os::reserve(kMaxSlabs * sizeof *slabs));
        unsigned n = slab_count.load();
        auto* slab = static_cast<G*>(map_region(box::region_kind::gs, kSlabGs * sizeof(G), sizeof(G)));
        if (slabs == nullptr || slab == nullptr || n == kMaxSlabs)
            fatal("go: no memory for goroutine number %zu", size_t(n) * kSlabGs);
        sanitizer_new_memory(slab, kSlabGs * sizeof(G));
        slabs[n].store(slab);
        committed = 0;
        carved.store(0);  // before the slab counts: a reader takes what has been built of it, at the least nothing
        slab_count.store(n + 1);
    }
    G* slab = slabs[slab_count.load() - 1].load();
    uint32_t at = carved.load();
    uint32_t n = kSlabGs - at < want ? kSlabGs - at : want;
    if (size_t end = (at + n) * sizeof(G); end > committed) {
        size_t more = std::min(align_up(end - committed, kCommitBytes), kSlabGs * sizeof(G) - committed);
        commit(reinterpret_cast<char*>(slab) + committed, more);
        committed += more;
    }
    // Handed out from the end of the array: the lowest address first.
    for (uint32_t i = 0; i < n; i++) out[n - 1 - i] = new (&slab[at + i]) G;
    carved.store(at + n);
    return n;
}

[[gnu::noinline]] void refill(P* p) {
    g_chunk* c;
    count(event::g_batch);
    if (!dead_gs().pop(c)) {
        p->free_g_count = carve(p->free_gs, kBatch);
        return;
    }
    p->free_g_count = c->last - c->first;
    memcpy(p->free_gs, c->gs + c->first, p->free_g_count * sizeof(G*));
    free_chunk(c);
}

[[gnu::noinline]] void spill(P* p, uint32_t keep) {
    // The oldest: what was used last stays, it is warm.
    uint32_t n = p->free_g_count - keep;
    if (n == 0) return;
    count(event::g_batch);
    g_chunk* c = new_chunk();
    if (n > kChunkGs) n = kChunkGs;
    c->last = n;
    memcpy(c->gs, p->free_gs, n * sizeof(G*));
    memmove(p->free_gs, p->free_gs + n, (p->free_g_count - n) * sizeof(G*));
    p->free_g_count -= n;
    dead_gs().push(c);
}

}  // namespace

g_chunk* new_chunk() {
    g_chunk* c;
    if (!empty_chunks().pop(c)) {
        c = static_cast<g_chunk*>(malloc(sizeof(g_chunk)));
        if (c == nullptr) fatal("new_chunk: no memory");
    }
    c->next = nullptr;
    c->first = c->last = 0;
    return c;
}

void free_chunk(g_chunk* c) { empty_chunks().push(c); }

G* take_g(P* p) {
    if (p == nullptr) [[unlikely]] {
        G* one;
        g_chunk* c;
        if (!dead_gs().pop(c)) {
            carve(&one, 1);
            return one;
        }
        one = c->gs[--c->last];
        c->first == c->last ? free_chunk(c) : void(dead_gs().push(c));
        return one;
    }
    if (p->free_g_count == 0) [[unlikely]]
        refill(p);
    uint32_t at = --p->free_g_count;
    arch::prefetch_g(p->free_gs[at >= kPrefetchGs ? at - kPrefetchGs : 0]);
    return p->free_gs[at];
}

void put_g(P* p, G* g) {
    if (p == nullptr) [[unlikely]] {
        g_chunk* c = new_chunk();
        c->gs[c->last++] = g;
        dead_gs().push(c);
        return;
    }
    if (p->free_g_count == kFreeGs) [[unlikely]]
        spill(p, kFreeGs / 2);
    p->free_gs[p->free_g_count++] = g;
}

void flush_gs(P* p) {
    while (p->free_g_count != 0) spill(p, 0);
}

void for_each_g(void (*fn)(G*, void*), void* arg) {
    unsigned n, built;
    do {  // both numbers of one moment
        n = slab_count.load();
        built = carved.load();
    } while (n != slab_count.load());
    for (unsigned s = 0; s < n; s++) {
        G* slab = slabs[s].load();
        for (unsigned i = 0; i < (s + 1 < n ? kSlabGs : built); i++)
            if (slab[i].status.load() != g_status::dead) fn(&slab[i], arg);
    }
}

}  // namespace gossamer::rt
