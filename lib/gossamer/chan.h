// SPDX-License-Identifier: BSL-1.0
// chan: a typed channel, a counted handle: copies are the same channel (SEMANTICS A3). All of it may be called from goroutines and
// from plain threads, which then block as threads.
//   chan<int> c;        unbuffered: a send completes together with its receive
//   chan<int> c(16);    room for 16 values; throws panic "makechan: size out of range" for a capacity that no memory can hold
//   chan<int> c(nil);   none: send and receive block for ever
// T must be movable and need not be copyable. A receive from a closed and drained channel gives T{}, the zero value; of a T without
// default constructor it gives a received<T> that holds nothing. Where moving a T can throw, it travels in a box.
// Dropping all handles closes nothing and wakes nobody (CH19).
#pragma once

#include <compare>
#include <cstddef>
#include <functional>
#include <iterator>
#include <memory>
#include <type_traits>
#include <utility>

#include "gossamer/chan_core.h"
#include "gossamer/received.h"
#include "gossamer/unit.h"

namespace gossamer {
namespace detail {

// What lies in a channel: T itself, or a box when moving or destroying a T can throw, which must not happen under a lock.
template <class T>
inline constexpr bool kBoxed = !(std::is_nothrow_move_constructible_v<T> && std::is_nothrow_destructible_v<T>);
template <class T>
using slot = std::conditional_t<kBoxed<T>, std::unique_ptr<T>, T>;

template <class T, class U>
slot<T> make_slot(U&& v) {
    if constexpr (kBoxed<T>)
        return std::make_unique<T>(std::forward<U>(v));
    else
        return T(std::forward<U>(v));
}

template <class T>
void send_copy(rt::chan_header* c, const T& v) {
    slot<T> copy = make_slot<T>(v);  // before anything can block (CH22)
    rt::chan_send(c, std::addressof(copy));
}
template <class T>
void send_moved(rt::chan_header* c, T& v) {
    if constexpr (kBoxed<T>) {
        slot<T> box = make_slot<T>(std::move(v));
        rt::chan_send(c, std::addressof(box));
    } else {
        rt::chan_send(c, std::addressof(v));
    }
}

// recv(void* to) constructs a slot<T> and returns true, or returns false.
template <class T, class Recv>
received<T> receive_by(Recv recv) {
    if constexpr (kBoxed<T>)
        return received_access::filled<T>([&](void* to) {
            std::unique_ptr<T> box;
            std::destroy_at(&box);
            if (!recv(static_cast<void*>(&box))) {
                std::construct_at(&box);
                return false;
            }
            ::new (to) T(std::move(*box));
            return true;
        });
    else
        return received_access::filled<T>(recv);
}

template <class T>
received<T> receive(rt::chan_header* c) {
    return receive_by<T>([c](void* to) { return rt::chan_recv(c, to); });
}

class untyped_chan {
  public:
    // Values in the buffer; senders that wait are not counted (CH14). 0 for nil.
    std::size_t len() const noexcept {
        return core() != nullptr ? core()->count.load(std::memory_order_acquire) : 0;  // pairs with sends and receives
    }
    std::size_t cap() const noexcept { return core() != nullptr ? core()->capacity : 0; }

    // Identity: the same channel, or both nil (CH1).
    friend bool operator==(const untyped_chan& a, const untyped_chan& b) noexcept { return a.core() == b.core(); }
    friend std::strong_ordering operator<=>(const untyped_chan& a, const untyped_chan& b) noexcept {
        return std::compare_three_way()(a.core(), b.core());
    }
    friend bool operator==(const untyped_chan& a, nil_t) noexcept { return a.core() == nullptr; }

    rt::chan_header* core() const noexcept { return handle_.get(); }
    const rt::chan_handle& handle() const noexcept { return handle_; }

  protected:
    untyped_chan() noexcept = default;
    explicit untyped_chan(rt::chan_handle h) noexcept : handle_(std::move(h)) {}

  private:
    rt::chan_handle handle_;
};

template <class Self, class T>
class sending {
  public:
    // Blocks until there is room or a receiver. Throws panic "send on closed channel"; then v is as it was.
    void send(const T& v) const requires std::copy_constructible<T> { send_copy<T>(self(), v); }
    void send(T&& v) const { send_moved<T>(self(), v); }
    const Self& operator<<(const T& v) const requires std::copy_constructible<T> {
        send(v);
        return static_cast<const Self&>(*this);
    }
    const Self& operator<<(T&& v) const {
        send(std::move(v));
        return static_cast<const Self&>(*this);
    }
    // Wakes every receiver with the zero value and every sender with a panic (CH9). Throws panic "close of nil channel", "close of
    // closed channel".
    void close() const { rt::chan_close(self()); }

  private:
    rt::chan_header* self() const noexcept { return static_cast<const Self*>(this)->core(); }
};

// Receives until the channel is closed and drained (CH15). Ends with the channel's handle.
template <class T>
class receive_iterator {
  public:
    using value_type = T;
    using difference_type = std::ptrdiff_t;
    using iterator_concept = std::input_iterator_tag;

    explicit receive_iterator(rt::chan_header* c) : c_(c), current_(receive<T>(c)) {}
    T& operator*() const { return current_.value; }
    receive_iterator& operator++() {
        current_ = receive<T>(c_);
        return *this;
    }
    void operator++(int) { ++*this; }
    friend bool operator==(const receive_iterator& i, std::default_sentinel_t) { return !i.current_.ok; }

  private:
    rt::chan_header* c_;
    mutable received<T> current_;
};

template <class Self, class T>
class receiving {
  public:
    // Blocks until there is a value, or the channel is closed and drained: then ok is false and the value zero (CH11).
    received<T> recv() const { return receive<T>(self()); }
    receive_iterator<T> begin() const { return receive_iterator<T>(self()); }
    std::default_sentinel_t end() const noexcept { return {}; }

  private:
    rt::chan_header* self() const noexcept { return static_cast<const Self*>(this)->core(); }
};

}  // namespace detail

template <class T>
class chan : public detail::untyped_chan, public detail::sending<chan<T>, T>, public detail::receiving<chan<T>, T> {
    static_assert(std::is_object_v<T> && !std::is_const_v<T>);

  public:
    using value_type = T;
    explicit chan(std::ptrdiff_t capacity = 0)
        : untyped_chan(rt::chan_handle(rt::make_chan(rt::kElement<detail::slot<T>>, capacity))) {}
    chan(nil_t) noexcept {}
};

// The end that may only send and close (CH16).
template <class T>
class send_chan : public detail::untyped_chan, public detail::sending<send_chan<T>, T> {
  public:
    using value_type = T;
    send_chan(nil_t) noexcept {}
    send_chan(const chan<T>& c) noexcept : untyped_chan(c.handle()) {}
};

// The end that may only receive (CH16).
template <class T>
class recv_chan : public detail::untyped_chan, public detail::receiving<recv_chan<T>, T> {
  public:
    using value_type = T;
    recv_chan(nil_t) noexcept {}
    recv_chan(const chan<T>& c) noexcept : untyped_chan(c.handle()) {}
    explicit recv_chan(rt::chan_handle h) noexcept : untyped_chan(std::move(h)) {}  // for the library's own channels
};

}  // namespace gossamer

template <class C>
requires std::derived_from<C, gossamer::detail::untyped_chan>
struct std::hash<C> {
    std::size_t operator()(const C& c) const noexcept { return std::hash<const void*>()(c.core()); }
};
