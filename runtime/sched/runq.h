// SPDX-License-Identifier: BSL-1.0
// runq: a P's next slot and ring: put, get, give away half.
// Called by / on: the owner of the P inside the runtime; or whoever seized the owner while it was outside.
// Invariants:
//   1 One thread at a time touches the queue: the holder between enter() and leave(), or a seizer. So there is no compare-and-swap here; the
//     atomics are for the guesses of others (has_queued), who read and never act on the queue.
//   2 tail - head <= kRingSize; entries in [head, tail) are runnable or fresh.
//   3 What leaves by steal_half or overflow leaves in queue order.
// Not done: a ring that thieves may take from by compare-and-swap, as Go's: 8 ns more on each get by the owner, where a steal through the
//   handshake costs the thief 8 us, and only when the victim computes.
#pragma once

#include "runtime/arch/cpu.h"
#include "runtime/sched/p.h"

namespace gossamer::rt {

inline constexpr uint32_t kPrefetchStacks = 3;
inline constexpr uint32_t kPrefetchGs = 6;  // measured best of 2 to 12: runtime/RATIONALE.md

struct g_list {
    G* first = nullptr;
    G* last = nullptr;
    unsigned count = 0;
    void push_back(G* g) {
        g->next = nullptr;
        if (last != nullptr)
            last->next = g;
        else
            first = g;
        last = g;
        count++;
    }
    G* pop_front() {
        G* g = first;
        if (g == nullptr) return nullptr;
        first = g->next;
        if (first == nullptr) last = nullptr;
        count--;
        return g;
    }
};

// Half of the ring and then `g`, to the global queue.
[[gnu::noinline]] void overflow_ring(P* p, G* g);
// For g that yields: those in the ring that came after the last from the global queue, and then g. They have just run; who was sent to the global queue
// without a turn could be sent there again, for ever, when the turns of the loop and the size of the crowd fit badly.
[[gnu::noinline]] void overflow_yielded(P* p, G* g);

// False when the ring is full.
inline bool try_put_tail(P* p, G* g) {
    uint32_t tail = p->tail.load(relaxed);          // owner's own; pairs with nothing
    if (tail - p->head.load(relaxed) == kRingSize)  // owner's own; pairs with nothing
        [[unlikely]]
        return false;
    p->ring[tail % kRingSize] = g;
    p->tail.store(tail + 1, relaxed);  // pairs with guesses; the data goes with the handshake's release in leave()
    return true;
}

inline void put_tail(P* p, G* g) {
    if (!try_put_tail(p, g)) [[unlikely]]
        overflow_ring(p, g);
}

inline G* get_head(P* p) {
    uint32_t head = p->head.load(relaxed);              // owner's own; pairs with nothing
    if (head == p->tail.load(relaxed)) return nullptr;  // owner's own; pairs with nothing
    G* g = p->ring[head % kRingSize];
    p->head.store(head + 1, relaxed);  // pairs with guesses
    // With many goroutines each is a cache miss by the time its turn comes. An entry past the tail is an old pointer or null: harmless.
    arch::prefetch_g(p->ring[(head + kPrefetchGs) % kRingSize]);
    if (p->tail.load(relaxed) - head > kPrefetchStacks)  // owner's own; pairs with nothing
        arch::prefetch_stack(p->ring[(head + kPrefetchStacks) % kRingSize]->context);
    return g;
}

inline void put_next(P* p, G* g) {
    G* old = p->next.load(relaxed);  // owner's own; pairs with nothing
    p->next.store(g, relaxed);       // pairs with guesses
    if (old != nullptr) put_tail(p, old);
}

inline G* get_next(P* p) {
    G* g = p->next.load(relaxed);                       // owner's own; pairs with nothing
    if (g != nullptr) p->next.store(nullptr, relaxed);  // pairs with guesses
    return g;
}

// The newest entry of the ring if it is a goroutine that `parent` started and nobody has begun.
inline G* get_own_child(P* p, const G* parent) {
    uint32_t tail = p->tail.load(relaxed);              // owner's own; pairs with nothing
    if (p->head.load(relaxed) == tail) return nullptr;  // owner's own; pairs with nothing
    G* g = p->ring[(tail - 1) % kRingSize];
    if (g->status.load(relaxed) != g_status::fresh ||  // owner's own; pairs with nothing
        g->creator_id != parent->id.load(relaxed))     // pairs with nothing: constant while it lives
        return nullptr;
    p->tail.store(tail - 1, relaxed);  // pairs with guesses
    return g;
}

// A part of a queue on its way elsewhere.
struct g_batch {
    uint32_t count = 0;
    G* gs[kRingSize / 2 + 1];
};

inline void copy_out(const P* p, uint32_t from, uint32_t n, g_batch* out) {
    for (uint32_t i = 0; i < n; i++) out->gs[i] = p->ring[(from + i) % kRingSize];
    out->count = n;
}

// The newest n of the ring. REQUIRES: as many are there, n <= kRingSize / 2.
inline void take_newest(P* p, uint32_t n, g_batch* out) {
    uint32_t tail = p->tail.load(relaxed) - n;  // owner's own; pairs with nothing
    copy_out(p, tail, n, out);
    p->tail.store(tail, relaxed);  // pairs with guesses
}

// The older half of the ring (rounded up), and the next slot when `with_next` and the ring is empty.
inline void take_half(P* p, bool with_next, g_batch* out) {
    uint32_t n = p->queued();
    uint32_t head = p->head.load(relaxed);  // owner's own; pairs with nothing
    copy_out(p, head, n - n / 2, out);
    p->head.store(head + out->count, relaxed);  // pairs with guesses
    if (n == 0 && with_next)
        if (G* g = get_next(p)) out->gs[out->count++] = g;
}

}  // namespace gossamer::rt
