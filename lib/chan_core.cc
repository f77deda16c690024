// SPDX-License-Identifier: BSL-1.0
// chan_core: the untyped channel: make, send, receive, close.
// Called by / on: goroutines and plain threads, outside of the runtime (each operation enters it).
// Invariants (hold whenever lk is free):
//   1 Both queues are never non-empty at once, but for entries of one select that sends and receives on this channel (CH7).
//   2 Values in the buffer: no claimable receiver is queued. Room in the buffer and not closed: no claimable sender is queued (CH7).
//   3 closed never goes back. Once it is set nobody is queued any more, and count only falls; senders still queued then are being
//     woken by close, their values are never delivered (CH12).
//   4 count == 0 and closed: drained for ever; a receive may say so without the lock.
//   5 The slots from head on, count of them, hold live values; all others are raw memory (CH18).
//   6 parked_sender, parked_receiver are null only when their queue is empty (of a time channel, parked_sender never is: lib/time.cc).
// Locks: lk (rank chan), nothing held on entry. Under it only words are copied and nothrow moves run; a user's copy constructor ran
//   before, a user's zero value is made afterwards, both outside of the runtime (CH22).
// The race that matters: a receiver that finds nothing parks while a sender arrives. The receiver is queued under lk and lk is dropped
//   by the commit, when it is off its stack: the sender either came before (the receiver saw the value) or finds it in the queue and
//   may make it ready at once.
// Lifetime: send and receive touch the channel no more after they dropped lk; the woken may drop the last handle at once.
// Not done: a lock-free ring for buffered channels. A parked peer, close and select need the lock anyway, and every operation would pay
//   for looking at both worlds.
#include "gossamer/chan_core.h"

#include <limits>
#include <new>

#include "gossamer/panic.h"
#include "gossamer/received.h"
#include "lib/chan_ops.h"
#include "runtime/park/park.h"

namespace gossamer::rt {
namespace {

constexpr unsigned kCloseBatch = 256;  // waiters woken by close for each time it takes the lock

bool drop_lock(G*, void* c) {
    static_cast<chan_core*>(c)->lk.release_lock();
    return true;
}

bool stay(G*, void*) { return true; }

[[noreturn, gnu::noinline, gnu::cold]] void block_for_ever(wait_reason why) {
    in_runtime scope;
    for (;;) park(stay, nullptr, why);
}

// `site`: who called the operation. REQUIRES: c->lk held; drops it.
[[gnu::noinline]] bool wait_in(chan_core* c, wait_queue& q, void* elem, wait_reason why,
                               void* site = __builtin_return_address(0)) {
    sudog s;
    s.g = current_g();
    s.elem = elem;
    s.place = c;
    q.push_back(&s);
    if (&q == &c->senders)
        publish_senders(c);
    else
        publish_receivers(c);
    if (c->type->source != nullptr) [[unlikely]]
        c->type->source->receiver_waits(c);
    park(drop_lock, c, why, c, site);
    return s.success;
}

// REQUIRES: c->lk held; drops it.
inline void finish(chan_core* c, G* wake) {
    c->lk.release_lock();
    if (wake != nullptr) ready(wake);
}

size_t ring_bytes(const element_type& type, std::ptrdiff_t capacity) {
    constexpr size_t kMost = std::numeric_limits<std::ptrdiff_t>::max() - sizeof(chan_core) - 4096;
    if (capacity < 0 || (type.size != 0 && static_cast<size_t>(capacity) > kMost / type.size))
        throw_panic("makechan: size out of range");
    return static_cast<size_t>(capacity) * type.size;
}

std::align_val_t block_align(const element_type& type) {
    return std::align_val_t(type.align > alignof(chan_core) ? type.align : alignof(chan_core));
}

}  // namespace

[[gnu::cold]] void throw_panic(const char* text) { throw panic(text); }
[[gnu::cold]] void throw_send_on_closed() { throw_panic("send on closed channel"); }

chan_header* make_chan(const element_type& type, std::ptrdiff_t capacity) {
    size_t bytes = ring_bytes(type, capacity);
    size_t offset = sizeof(chan_core);
    if (type.align > offset) offset = type.align;
    auto* block = static_cast<unsigned char*>(::operator new(offset + bytes, block_align(type)));
    auto* c = ::new (block) chan_core;
    c->lock_word = &c->lk.word();
    c->capacity = static_cast<size_t>(capacity);
    c->type = &type;
    c->copy_size =
        type.move == nullptr && type.size < kMoveByFunction ? static_cast<uint32_t>(type.size) : kMoveByFunction;
    c->head = c->tail = block + offset;
    c->end = block + offset + bytes;
    return c;
}

void free_chan(chan_header* h) noexcept {
    chan_core* c = core_of(h);
    if (c->type->source != nullptr) [[unlikely]]
        return c->type->source->last_handle_gone(c);
    // Somebody waits here through a handle that was not his own: he stays parked for ever, so the memory stays too (CH19, CH23).
    if (!c->receivers.empty() || !c->senders.empty()) return;
    if (c->type->destroy != nullptr)
        for (size_t n = buffered(c); n != 0; n--) {
            c->type->destroy(c->head);
            c->head = after(c, c->head);
        }
    std::align_val_t align = block_align(*c->type);
    c->~chan_core();
    ::operator delete(static_cast<void*>(c), align);
}

void chan_send(chan_header* h, void* value) {
    if (h == nullptr) [[unlikely]]
        block_for_ever(wait_reason::chan_send_nil);
    chan_core* c = core_of(h);
    bool sent;
    {
        in_runtime scope;
        c->lk.acquire_lock();
        op_result r = try_send_locked(c, value);
        if (r.outcome == op_outcome::would_block) {
            sent = wait_in(c, c->senders, value, wait_reason::chan_send);
        } else {
            finish(c, r.wake);
            sent = r.outcome == op_outcome::done;
        }
    }
    if (!sent) [[unlikely]]
        throw_send_on_closed();
}

bool chan_recv(chan_header* h, void* to) {
    if (h == nullptr) [[unlikely]]
        block_for_ever(wait_reason::chan_receive_nil);
    chan_core* c = core_of(h);
    if (c->closed.load(acquire) && c->count.load(acquire) == 0)  // pairs with chan_close(), and with the last receive
        return false;
    in_runtime scope;
    c->lk.acquire_lock();
    op_result r = try_recv_locked(c, to);
    if (r.outcome == op_outcome::would_block) return wait_in(c, c->receivers, to, wait_reason::chan_receive);
    finish(c, r.wake);
    return r.outcome == op_outcome::done;
}

bool chan_try_send(chan_header* h, void* value) {
    if (send_would_block(h)) return false;
    chan_core* c = core_of(h);
    op_result r;
    {
        in_runtime scope;
        c->lk.acquire_lock();
        r = try_send_locked(c, value);
        finish(c, r.wake);
    }
    if (r.outcome == op_outcome::closed) [[unlikely]]
        throw_send_on_closed();
    return r.outcome == op_outcome::done;
}

try_outcome chan_try_recv(chan_header* h, void* to) {
    if (receive_would_block(h)) return try_outcome::not_ready;
    chan_core* c = core_of(h);
    if (c->closed.load(acquire) && c->count.load(acquire) == 0)  // pairs with chan_close(), and with the last receive
        return try_outcome::closed;
    in_runtime scope;
    c->lk.acquire_lock();
    op_result r = try_recv_locked(c, to);
    finish(c, r.wake);
    switch (r.outcome) {
        case op_outcome::would_block:
            return try_outcome::not_ready;
        case op_outcome::done:
            return try_outcome::done;
        case op_outcome::closed:
            break;
    }
    return try_outcome::closed;
}

void chan_close(chan_header* h) {
    if (h == nullptr) [[unlikely]]
        throw_panic("close of nil channel");
    chan_core* c = core_of(h);
    // Others see `closed` without the lock, and may then drop every handle while this thread is still inside.
    chan_handle keep = chan_handle::share(c);
    bool was_closed;
    {
        in_runtime scope;
        c->lk.acquire_lock();
        was_closed = is_closed(c);
        c->closed.store(true, release);  // pairs with the loads without the lock here and in the header
        // Nobody is queued any more (invariant 3), so the lock can be dropped between two batches.
        for (bool more = !was_closed; more;) {
            G* first = nullptr;
            G** link = &first;
            more = false;
            for (unsigned n = 0; n < kCloseBatch; n++) {
                sudog* s = c->receivers.pop_claimed();
                if (s == nullptr) s = c->senders.pop_claimed();
                if (s == nullptr) break;
                *link = settle(s, false);
                link = &(*link)->next;
                more = n + 1 == kCloseBatch;
            }
            *link = nullptr;
            publish_receivers(c);
            publish_senders(c);
            c->lk.release_lock();
            if (first != nullptr) ready_batch(first);
            if (more) c->lk.acquire_lock();
        }
        if (was_closed) c->lk.release_lock();
    }
    if (was_closed) [[unlikely]]
        throw_panic("close of closed channel");
}

}  // namespace gossamer::rt

namespace gossamer::detail {

[[gnu::cold]] void throw_no_zero_value() {
    rt::throw_panic("receive from a closed channel: the type has no zero value");
}

}  // namespace gossamer::detail
