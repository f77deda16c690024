// SPDX-License-Identifier: BSL-1.0
// select_core: look at several channels, take one; or wait in all of them, and withdraw from the losers.
// Called by / on: goroutines and plain threads, outside of the runtime.
// Invariants:
//   1 Exactly one case takes effect: either this G acts on a channel under that channel's lock while it waits nowhere, or a
//     waker wins G::select_claim while it waits (SE9, park/sudog.h).
//   2 "None ready" is said, and waiting begun, only while the locks of all channels are held (SE4).
//   3 When select returns none of its sudogs is in any queue (SE10).
//   4 The commit drops the lock that comes last in lock order as its last act, and touches nothing of the frame after it. The woken G
//     takes that lock before it returns, or was woken by one who held it: the frame outlives the commit.
//   5 The choice is uniform over cases, not channels: the k-th ready one takes the place with probability 1/k (SE2, SE3).
// Locks: of all distinct channels, in address order (rank chan); nothing held on entry.
// The race that matters: a ready case is found without a lock and is gone when its lock is held. Then everything is looked at
//   again under all locks; a choice made without locks is only ever used to act, never to say "not ready".
// Not done: a random order of looking, as Go shuffles: that draws a number for each case also when one or none is ready.
#include "gossamer/select_core.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "lib/chan_ops.h"
#include "lib/layout.h"
#include "runtime/base/random.h"
#include "runtime/park/park.h"
#include "runtime/sched/describe.h"

namespace gossamer::rt {
namespace {

constexpr uint32_t kMostOnStack = 64;  // cases whose frame fits a small stack (6 KiB)

// What a select needs while it holds locks or waits.
struct select_frame {
    const select_op* ops;
    uint32_t n;
    chan_core** locked;  // n places: the distinct channels in address order
    sudog* waiting;      // n places: one for each case
    uint32_t* order;     // n places: in which order the cases are queued, when a channel has several
    uint32_t distinct;   // channels in `locked`
    bool repeats;        // a channel has several cases
    void* site;          // who called the select
};
constexpr size_t kFrameBytesPerCase = sizeof(sudog) + sizeof(chan_core*) + sizeof(uint32_t);

// REQUIRES: inside an in_runtime scope.
[[gnu::noinline]] uint32_t random_below(uint32_t n) {
    if (P* p = current_p()) return p->random.below(n);
    static thread_local random32 of_thread(reinterpret_cast<uintptr_t>(current_g()));
    return of_thread.below(n);
}

bool looks_ready(const select_op& op) {
    return op.is_send ? !send_would_block(op.chan) : !receive_would_block(op.chan);
}

// Whether somebody waits at the other end of op, in the queue that op's own kind does not wait in. Those won elsewhere are dropped.
// REQUIRES: the lock of op's channel held.
bool has_peer(const select_op& op) {
    chan_core* c = core_of(op.chan);
    wait_queue& peers = op.is_send ? c->receivers : c->senders;
    const sudog* first = peers.first();
    bool found = has_claimable(peers);
    if (peers.first() != first) op.is_send ? publish_receivers(c) : publish_senders(c);
    return found;
}

// REQUIRES: the lock of op's channel held.
bool is_ready(const select_op& op) {
    chan_core* c = core_of(op.chan);
    if (is_closed(c)) return true;
    return op.is_send ? buffered(c) < c->capacity || has_peer(op)
                      : buffered(c) != 0 || has_peer(op) || source_has_value(c);
}

// REQUIRES: the lock of op's channel held.
op_result act(const select_op& op) {
    chan_core* c = core_of(op.chan);
    return op.is_send ? try_send_locked(c, op.slot) : try_recv_locked(c, op.slot);
}

// The number of one of the cases for which ready() holds, or kNoneReady.
template <class Ready>
uint32_t choose(const select_op* ops, uint32_t n, select_order order, Ready ready) {
    uint32_t count = 0;
    uint32_t chosen = kNoneReady;
    for (uint32_t i = 0; i < n; i++) {
        if (ops[i].chan == nullptr || !ready(ops[i])) continue;
        if (order == select_order::in_order) return i;
        // The k-th ready case takes the place with probability 1/k, so in the end each has the same.
        count++;
        if (count == 1 || random_below(count) == 0) chosen = i;
    }
    return chosen;
}

void publish(const select_op& op) {
    if (op.is_send)
        publish_senders(core_of(op.chan));
    else
        publish_receivers(core_of(op.chan));
}

wait_queue& queue_of(const select_op& op) {
    return op.is_send ? core_of(op.chan)->senders : core_of(op.chan)->receivers;
}

void sort_channels(select_frame& f) {
    uint32_t n = 0;
    for (uint32_t i = 0; i < f.n; i++)
        if (f.ops[i].chan != nullptr) f.locked[n++] = core_of(f.ops[i].chan);
    if (n <= 8) {
        for (uint32_t i = 1; i < n; i++) {
            chan_core* c = f.locked[i];
            uint32_t j = i;
            for (; j != 0 && f.locked[j - 1] > c; j--) f.locked[j] = f.locked[j - 1];
            f.locked[j] = c;
        }
    } else {
        std::sort(f.locked, f.locked + n);
    }
    f.distinct = static_cast<uint32_t>(std::unique(f.locked, f.locked + n) - f.locked);
    f.repeats = f.distinct != n;
}

// Cases of one channel must not always queue in the same order: the first of them would get all (SE2).
[[gnu::noinline, gnu::cold]] void shuffle_cases(select_frame& f) {
    for (uint32_t i = 0; i < f.n; i++) {
        f.order[i] = i;
        std::swap(f.order[i], f.order[random_below(i + 1)]);
    }
}

void lock_all(const select_frame& f) {
    for (uint32_t i = 0; i < f.distinct; i++) f.locked[i]->lk.acquire_lock();
}

void unlock_all(const select_frame& f) {
    for (uint32_t i = 0; i + 1 < f.distinct; i++) f.locked[i]->lk.release_lock();
    if (f.distinct != 0) f.locked[f.distinct - 1]->lk.release_lock();
}

// Invariant 4: the number and the last channel are read before the lock that keeps the frame alive is dropped.
bool drop_locks(G*, void* arg) {
    unlock_all(*static_cast<const select_frame*>(arg));
    return true;
}

// REQUIRES: all locks held; drops them.
select_result wait_in_all(select_frame& f) {
    G* g = current_g();
    uint32_t ticket = claim_ticket(g);
    if (f.repeats) shuffle_cases(f);
    for (uint32_t k = 0; k < f.n; k++) {
        uint32_t i = f.repeats ? f.order[k] : k;
        const select_op& op = f.ops[i];
        if (op.chan == nullptr) continue;
        sudog* s = ::new (&f.waiting[i]) sudog;
        s->g = g;
        s->elem = op.slot;
        s->place = op.chan;
        s->case_index = i;
        s->claim_ticket = ticket;
        s->is_select = true;
        queue_of(op).push_back(s);
        publish(op);
        if (core_of(op.chan)->type->source != nullptr) [[unlikely]]
            core_of(op.chan)->type->source->receiver_waits(op.chan);
    }
    park(drop_locks, &f, wait_reason::select, &f, f.site);

    auto* won = static_cast<const sudog*>(g->param);
    g->param = nullptr;
    for (uint32_t i = 0; i < f.n; i++) {
        const select_op& op = f.ops[i];
        if (op.chan == nullptr || i == won->case_index) continue;
        lock_guard hold(core_of(op.chan)->lk);
        if (queue_of(op).remove(&f.waiting[i])) publish(op);
    }
    return {won->case_index, won->success};
}

// Takes the case under its lock, or says would_block. REQUIRES: no lock held.
op_outcome take_one(const select_op& op) {
    chan_core* c = core_of(op.chan);
    c->lk.acquire_lock();
    op_result r = act(op);
    c->lk.release_lock();
    if (r.wake != nullptr) ready(r.wake);
    return r.outcome;
}

// The whole select under all locks. A send case on a closed channel comes back with ok == false.
[[gnu::noinline]] select_result run_locked(select_frame& f, select_kind kind, select_order order) {
    sort_channels(f);
    lock_all(f);
    for (;;) {
        uint32_t i = choose(f.ops, f.n, order, is_ready);
        if (i == kNoneReady) break;
        op_result r = act(f.ops[i]);
        if (r.outcome == op_outcome::would_block)
            continue;  // its only peer was claimed by another channel of the peer's own select: look again
        unlock_all(f);
        if (r.wake != nullptr) ready(r.wake);
        return {i, r.outcome == op_outcome::done};
    }
    if (kind == select_kind::trying) {
        unlock_all(f);
        return {kNoneReady, false};
    }
    return wait_in_all(f);
}

[[gnu::noinline]] select_result run_on_stack(const select_op* ops, uint32_t n, select_kind kind, select_order order,
                                             void* site) {
    auto* waiting = static_cast<sudog*>(__builtin_alloca(n * kFrameBytesPerCase));
    auto* locked = reinterpret_cast<chan_core**>(waiting + n);
    select_frame f{ops, n, locked, waiting, reinterpret_cast<uint32_t*>(locked + n), 0, false, site};
    return run_locked(f, kind, order);
}

[[gnu::noinline, gnu::cold]] select_result run_on_heap(const select_op* ops, uint32_t n, select_kind kind,
                                                       select_order order, void* site) {
    auto waiting = std::make_unique<sudog[]>(n);
    auto locked = std::make_unique<chan_core*[]>(n);
    auto shuffled = std::make_unique<uint32_t[]>(n);
    in_runtime scope;
    select_frame f{ops, n, locked.get(), waiting.get(), shuffled.get(), 0, false, site};
    return run_locked(f, kind, order);
}

}  // namespace

select_result select_run(const select_op* ops, uint32_t n, select_kind kind, select_order order) {
    select_result r{kNoneReady, false};
    if (n <= kMostOnStack) {
        in_runtime scope;
        // A case that can go on now needs one lock only. Not for in_order, which must know that the earlier ones are not ready.
        uint32_t i = order == select_order::random ? choose(ops, n, order, looks_ready) : kNoneReady;
        op_outcome taken = i != kNoneReady ? take_one(ops[i]) : op_outcome::would_block;
        if (taken != op_outcome::would_block)
            r = {i, taken == op_outcome::done};
        else
            r = run_on_stack(ops, n, kind, order, __builtin_return_address(0));
    } else {
        r = run_on_heap(ops, n, kind, order, __builtin_return_address(0));
    }
    if (!r.ok && r.index != kNoneReady && ops[r.index].is_send) [[unlikely]]
        throw_send_on_closed();
    return r;
}

void select_for_ever() {
    in_runtime scope;
    for (;;) park([](G*, void*) { return true; }, nullptr, wait_reason::select_no_cases);
}

void describe_select(description& d) {
    d.add("select_frame.n", &select_frame::n);
    d.add("select_frame.waiting", &select_frame::waiting);
}

}  // namespace gossamer::rt
