// SPDX-License-Identifier: BSL-1.0
// chan_core: the untyped channel under chan<T>, compiled once. Not for users: they want <gossamer/chan.h>.
// Called by / on: goroutines and plain threads, outside of the runtime.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>
#include <type_traits>
#include <utility>

namespace gossamer::rt {

struct chan_header;

// Where values come from when nobody sends: a timer's channel. All but the last are called with the channel's lock held.
struct chan_source {
    bool (*has_value)(chan_header*);             // a receive would get one now, and no parked receiver is before it
    void (*take_value)(chan_header*, void* to);  // REQUIRES: has_value() said so under this lock
    void (*receiver_waits)(chan_header*);        // one was queued
    void (*last_handle_gone)(chan_header*) noexcept;  // in place of free_chan()
};

// What the core must know of an element. Constant, one per type.
struct element_type {
    size_t size;  // 0 for a type without state: no memory, nothing moved
    size_t align;
    void (*move)(void* to, void* from) noexcept;  // constructs *to, *from stays to be destroyed; null: memcpy
    void (*destroy)(void* at) noexcept;           // null: nothing to do
    const chan_source* source = nullptr;          // null for every channel that make_chan() makes
};

template <class S>
constexpr element_type describe_element() {
    static_assert(std::is_nothrow_move_constructible_v<S> && std::is_nothrow_destructible_v<S>);
    if constexpr (std::is_trivially_copyable_v<S>)
        return {std::is_empty_v<S> ? 0 : sizeof(S), alignof(S), nullptr, nullptr};
    else
        return {sizeof(S), alignof(S),
                [](void* to, void* from) noexcept { ::new (to) S(std::move(*static_cast<S*>(from))); },
                [](void* at) noexcept { static_cast<S*>(at)->~S(); }};
}
template <class S>
inline constexpr element_type kElement = describe_element<S>();

// The part of a channel that may be looked at without its lock. Written under the lock.
struct chan_header {
    std::atomic<size_t> refs{1};
    const std::atomic<uint8_t>* lock_word = nullptr;  // constant; 0 when nobody is inside
    std::atomic<size_t> count{0};                     // values in the buffer
    size_t capacity = 0;                              // constant
    std::atomic<const void*> parked_sender{nullptr};  // the oldest one, null when there is none
    std::atomic<const void*> parked_receiver{nullptr};
    std::atomic<bool> closed{false};
};

// Throws panic "makechan: size out of range" (CH2), std::bad_alloc.
chan_header* make_chan(const element_type& type, std::ptrdiff_t capacity);
// Destroys what is left in the buffer. REQUIRES: the last handle is gone.
void free_chan(chan_header* c) noexcept;

// Moves *value into the channel or to a receiver; it stays to be destroyed by the caller. Throws panic "send on closed channel", then
// *value is untouched. A null c blocks for ever.
void chan_send(chan_header* c, void* value);
// Constructs a value at `to` and returns true; or returns false, with `to` untouched, when c is closed and drained.
bool chan_recv(chan_header* c, void* to);
// Throws panic "close of nil channel", "close of closed channel".
void chan_close(chan_header* c);

enum class try_outcome : uint8_t { not_ready, done, closed };
// As chan_send, but false instead of blocking.
bool chan_try_send(chan_header* c, void* value);
// As chan_recv, but not_ready instead of blocking; closed stands for its false.
try_outcome chan_try_recv(chan_header* c, void* to);

// True only if there was an instant during the call at which a receive (a send) would have blocked; false says nothing (CH17, SE4).
// The lock's word comes first: an operation that ended before this call by another thread's clock may still sit in that core's store
// buffer. Its lock was taken by a full barrier, so then the word reads 1; if it reads 0 again, what was done under it is seen too.
inline bool receive_would_block(const chan_header* c) {
    return c == nullptr || (c->lock_word->load(std::memory_order_seq_cst) == 0 &&
                            c->count.load(std::memory_order_acquire) == 0 &&  // pairs with chan_core.cc
                            c->parked_sender.load(std::memory_order_acquire) ==
                                nullptr &&  // pairs with chan_ops.h: stores under the lock
                            !c->closed.load(std::memory_order_acquire));  // pairs with chan_close()
}
inline bool send_would_block(const chan_header* c) {
    return c == nullptr || (c->lock_word->load(std::memory_order_seq_cst) == 0 &&
                            c->parked_receiver.load(std::memory_order_acquire) == nullptr &&  // pairs with chan_ops.h
                            c->count.load(std::memory_order_acquire) == c->capacity &&        // pairs with chan_ops.h
                            !c->closed.load(std::memory_order_acquire));                      // pairs with chan_close()
}

// A counted reference to a channel, or none.
class chan_handle {
  public:
    chan_handle() noexcept = default;
    explicit chan_handle(chan_header* owned) noexcept : c_(owned) {}
    chan_handle(const chan_handle& o) noexcept : chan_handle(share(o.c_)) {}
    chan_handle(chan_handle&& o) noexcept : c_(std::exchange(o.c_, nullptr)) {}
    chan_handle& operator=(chan_handle o) noexcept {
        std::swap(c_, o.c_);
        return *this;
    }
    ~chan_handle() {
        // The only handle cannot be copied meanwhile: it needs no read-modify-write.
        if (c_ != nullptr &&
            (c_->refs.load(std::memory_order_acquire) == 1 ||         // pairs with the other handles' ends
             c_->refs.fetch_sub(1, std::memory_order_acq_rel) == 1))  // pairs with itself: last one sees all
            free_chan(c_);
    }
    // Another handle of a channel that somebody holds.
    static chan_handle share(chan_header* c) noexcept {
        if (c != nullptr)
            c->refs.fetch_add(1, std::memory_order_relaxed);  // pairs with nothing: somebody holds a reference
        return chan_handle(c);
    }
    chan_header* get() const noexcept { return c_; }

  private:
    chan_header* c_ = nullptr;
};

}  // namespace gossamer::rt
