// SPDX-License-Identifier: BSL-1.0
// chan_ops: the inside of a channel, and what a send and a receive do to it under its lock. Shared by chan_core and select_core;
// invariants in chan_core.cc.
#pragma once

#include <cstring>

#include "gossamer/chan_core.h"
#include "runtime/os/lock.h"
#include "runtime/park/wait_queue.h"

namespace gossamer::rt {

inline constexpr uint32_t kMoveByFunction = UINT32_MAX;

// One block: this, then the ring. Two cache lines, so that an operation between two cores moves two.
struct alignas(64) chan_core : chan_header {
    // Constant.
    lock lk{lock_rank::chan};
    uint32_t copy_size = 0;  // bytes to copy an element, or kMoveByFunction
    // Under lk.
    wait_queue receivers;
    wait_queue senders;
    unsigned char* head = nullptr;       // the oldest value
    unsigned char* tail = nullptr;       // the next free slot
    unsigned char* end = nullptr;        // constant
    const element_type* type = nullptr;  // constant

    unsigned char* ring() { return end - capacity * type->size; }
};
static_assert(sizeof(chan_core) == 128);

enum class op_outcome : uint8_t { would_block, done, closed };
struct op_result {
    op_outcome outcome;
    G* wake;  // to be made ready after the lock is dropped, or null
};

inline chan_core* core_of(chan_header* h) { return static_cast<chan_core*>(h); }

inline void move_element(const chan_core* c, void* to, void* from) {
    switch (c->copy_size) {
        case 0:
            return;
        case 4:
            std::memcpy(to, from, 4);
            return;
        case 8:
            std::memcpy(to, from, 8);
            return;
        case kMoveByFunction:
            c->type->move(to, from);
            return;
        default:
            std::memcpy(to, from, c->copy_size);
    }
}

inline unsigned char* after(chan_core* c, unsigned char* slot) {
    slot += c->type->size;
    return slot == c->end ? c->ring() : slot;
}

// What the mirrors in the header say, after a queue changed.
inline void publish_receivers(chan_core* c) {
    c->parked_receiver.store(c->receivers.first(), relaxed);  // pairs with send_would_block()
}
inline void publish_senders(chan_core* c) {
    c->parked_sender.store(c->senders.first(), relaxed);  // pairs with receive_would_block()
}

inline size_t buffered(const chan_core* c) { return c->count.load(relaxed); }  // pairs with nothing: under the lock
inline bool is_closed(const chan_core* c) { return c->closed.load(relaxed); }  // pairs with nothing: under the lock

// Tells a claimed waiter how its wait ended.
inline G* settle(sudog* s, bool success) {
    s->success = success;
    G* g = s->g;
    if (s->is_select) g->param = s;
    return g;
}

inline void take_head(chan_core* c, void* to) {
    move_element(c, to, c->head);
    if (c->type->destroy != nullptr) c->type->destroy(c->head);  // CH18
    c->head = after(c, c->head);
}
inline void put_tail(chan_core* c, void* value) {
    move_element(c, c->tail, value);
    c->tail = after(c, c->tail);
}

// REQUIRES: c->lk held.
inline bool source_has_value(chan_core* c) {
    const chan_source* source = c->type->source;
    return source != nullptr && source->has_value(c);
}

// REQUIRES: c->lk held.
[[gnu::always_inline]] inline op_result try_send_locked(chan_core* c, void* value) {
    if (is_closed(c)) [[unlikely]]
        return {op_outcome::closed, nullptr};
    if (!c->receivers.empty()) {
        sudog* s = c->receivers.pop_claimed();
        publish_receivers(c);
        if (s != nullptr) {
            move_element(c, s->elem, value);
            return {op_outcome::done, settle(s, true)};
        }
    }
    size_t n = buffered(c);
    if (n == c->capacity) return {op_outcome::would_block, nullptr};
    put_tail(c, value);
    c->count.store(n + 1, release);  // pairs with receive_would_block()
    return {op_outcome::done, nullptr};
}

// REQUIRES: c->lk held.
[[gnu::always_inline]] inline op_result try_recv_locked(chan_core* c, void* to) {
    size_t n = buffered(c);
    if (is_closed(c)) [[unlikely]] {
        // Senders that are still queued belong to close: their values are not to be delivered (CH12).
        if (n == 0) return {op_outcome::closed, nullptr};
        take_head(c, to);
        c->count.store(n - 1, release);  // pairs with receive_would_block()
        return {op_outcome::done, nullptr};
    }
    sudog* s = nullptr;
    if (!c->senders.empty()) {
        s = c->senders.pop_claimed();
        publish_senders(c);
    }
    if (n == 0) {
        if (s == nullptr) {
            if (!source_has_value(c)) [[likely]]
                return {op_outcome::would_block, nullptr};
            c->type->source->take_value(c, to);
            return {op_outcome::done, nullptr};
        }
        move_element(c, to, s->elem);
        return {op_outcome::done, settle(s, true)};
    }
    take_head(c, to);
    if (s == nullptr) {
        c->count.store(n - 1, release);  // pairs with send_would_block()
        return {op_outcome::done, nullptr};
    }
    put_tail(c, s->elem);  // the slot that has just become free (CH5)
    return {op_outcome::done, settle(s, true)};
}

// A queue's oldest waiter that nobody has claimed yet; drops the others. It may be claimed elsewhere before it is popped.
// REQUIRES: the lock of the queue's channel held.
inline bool has_claimable(wait_queue& q) {
    while (sudog* s = q.first()) {
        if (!s->is_select || s->g->select_claim.load(relaxed) == s->claim_ticket)  // pairs with the CAS in claim()
            return true;
        q.pop_front();
    }
    return false;
}

[[noreturn]] void throw_panic(const char* text);
[[noreturn]] void throw_send_on_closed();

}  // namespace gossamer::rt
