// SPDX-License-Identifier: BSL-1.0
#include "runtime/sched/g_table.h"

#include <cstdlib>
#include <new>

#include "runtime/base/fatal.h"
#include "runtime/os/lock.h"

namespace gossamer::rt {

const char* words(g_status s) {
    static constexpr const char* kWords[] = {"dead", "runnable", "runnable", "running", "waiting"};
    return kWords[size_t(s)];
}

namespace {

constexpr unsigned kSlabGs = 4096;  // 768 KiB, committed by touch
constexpr unsigned kMaxSlabs = 1 << 17;
constexpr unsigned kBatch = 64;
constexpr unsigned kCacheMax = 256;

lock table_lock{lock_rank::all_g};
G* central = nullptr;          // under table_lock
atomic<G*>* slabs = nullptr;   // kMaxSlabs entries, reserved once
atomic<unsigned> slab_count{0};
unsigned carved = kSlabGs;     // of the newest slab; under table_lock

// REQUIRES: table_lock.
G* carve() {
    if (carved == kSlabGs) {
        if (slabs == nullptr) slabs = static_cast<atomic<G*>*>(os::reserve(kMaxSlabs * sizeof *slabs));
        unsigned n = slab_count.load();
        auto* slab = static_cast<G*>(os::reserve(kSlabGs * sizeof(G)));
        if (slabs == nullptr || slab == nullptr || n == kMaxSlabs) fatal("go: no memory for goroutine number %zu", size_t(n) * kSlabGs);
        slabs[n].store(slab);
        slab_count.store(n + 1, release);  // pairs with the acquire load in for_each_g()
        carved = 0;
    }
    // Reserved memory is zero, which is a dead G; construction writes only what is not.
    return new (&slabs[slab_count.load() - 1].load()[carved++]) G;
}

[[gnu::noinline]] G* refill(P* p) {
    lock_guard guard(table_lock);
    unsigned want = p == nullptr ? 1 : kBatch;
    G* list = nullptr;
    for (unsigned i = 0; i < want; i++) {
        G* g = central;
        if (g != nullptr)
            central = g->next;
        else
            g = carve();
        g->next = list;
        list = g;
    }
    G* g = list;
    if (p != nullptr) {
        p->free_gs = list->next;
        p->free_g_count = want - 1;
    }
    return g;
}

[[gnu::noinline]] void spill(P* p, unsigned keep) {
    G* first = p->free_gs;
    G* last = nullptr;
    while (p->free_g_count > keep) {
        last = p->free_gs;
        p->free_gs = last->next;
        p->free_g_count--;
    }
    if (last == nullptr) return;
    lock_guard guard(table_lock);
    last->next = central;
    central = first;
}

}  // namespace

G* take_g(P* p) {
    if (p == nullptr || p->free_gs == nullptr) [[unlikely]]
        return refill(p);
    G* g = p->free_gs;
    p->free_gs = g->next;
    p->free_g_count--;
    return g;
}

void put_g(P* p, G* g) {
    if (p == nullptr) [[unlikely]] {
        lock_guard guard(table_lock);
        g->next = central;
        central = g;
        return;
    }
    g->next = p->free_gs;
    p->free_gs = g;
    if (++p->free_g_count > kCacheMax) [[unlikely]]
        spill(p, kCacheMax / 2);
}

void flush_gs(P* p) { spill(p, 0); }

void for_each_g(void (*fn)(G*, void*), void* arg) {
    unsigned n = slab_count.load(acquire);  // pairs with the release store in carve()
    for (unsigned s = 0; s < n; s++) {
        G* slab = slabs[s].load();
        for (unsigned i = 0; i < kSlabGs; i++)
            if (slab[i].status.load() != g_status::dead) fn(&slab[i], arg);
    }
}

}  // namespace gossamer::rt
