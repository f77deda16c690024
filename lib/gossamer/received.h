// SPDX-License-Identifier: BSL-1.0
// received: what a receive gives: a value, and whether it was sent (ok) or stands for "closed and drained" (T{}, the zero value).
//   auto [v, ok] = c.recv();   if (auto r = c.recv()) use(*r);   int v = *c.recv();
// T need not be copyable. A T without default constructor has no zero value: then received<T> holds nothing when ok is false, and
// reaching for the value throws panic.
#pragma once

#include <concepts>
#include <cstddef>
#include <memory>
#include <tuple>
#include <type_traits>
#include <utility>

namespace gossamer {

namespace detail {

[[noreturn]] void throw_no_zero_value();
struct received_access;

}  // namespace detail

template <class T>
class received {
  public:
    union {
        T value;
    };
    bool ok = false;

    // A value that was sent, or the zero value.
    explicit received(T&& v) : value(std::move(v)), ok(true), alive_(true) {}
    received() requires std::default_initializable<T> : value(), alive_(true) {}

    received(const received& o) requires std::copy_constructible<T> : ok(o.ok) {
        if (o.alive_) construct(o.value);
    }
    received(received&& o) noexcept(std::is_nothrow_move_constructible_v<T>) : ok(o.ok) {
        if (o.alive_) construct(std::move(o.value));
    }
    received& operator=(received&& o) noexcept(std::is_nothrow_move_constructible_v<T>) {
        if (this != &o) {
            clear();
            ok = o.ok;
            if (o.alive_) construct(std::move(o.value));
        }
        return *this;
    }
    received& operator=(const received& o) requires std::copy_constructible<T> { return *this = received(o); }
    ~received() { clear(); }

    explicit operator bool() const noexcept { return ok; }
    T& operator*() & { return checked(); }
    const T& operator*() const& { return const_cast<received*>(this)->checked(); }
    T&& operator*() && { return std::move(checked()); }
    T* operator->() { return std::addressof(checked()); }
    const T* operator->() const { return std::addressof(const_cast<received*>(this)->checked()); }

  private:
    friend detail::received_access;
    struct raw {};
    explicit received(raw) {}

    template <class U>
    void construct(U&& v) {
        std::construct_at(std::addressof(value), std::forward<U>(v));
        alive_ = true;
    }
    void clear() noexcept {
        if (alive_) std::destroy_at(std::addressof(value));
        alive_ = false;
    }
    T& checked() {
        if (!alive_) [[unlikely]]
            detail::throw_no_zero_value();
        return value;
    }

    bool alive_ = false;
};

namespace detail {
template <class T>
concept plain_value = std::is_trivially_copyable_v<T> && std::is_default_constructible_v<T>;
}  // namespace detail

// A small value without destructor: two plain words, returned in registers.
template <detail::plain_value T>
class received<T> {
  public:
    T value;
    bool ok;

    explicit operator bool() const noexcept { return ok; }
    T& operator*() & noexcept { return value; }
    const T& operator*() const& noexcept { return value; }
    T&& operator*() && noexcept { return std::move(value); }
    T* operator->() noexcept { return std::addressof(value); }
    const T* operator->() const noexcept { return std::addressof(value); }
};

namespace detail {

// How the channels' skin fills a received<T> in place.
struct received_access {
    // fill(void* to) constructs a T at `to` and returns true, or returns false.
    template <class T, class Fill>
    static received<T> filled(Fill fill) {
        if constexpr (plain_value<T>) {
            received<T> r{};
            r.ok = fill(static_cast<void*>(std::addressof(r.value)));
            return r;
        } else {
            received<T> r{typename received<T>::raw{}};
            r.ok = r.alive_ = fill(static_cast<void*>(std::addressof(r.value)));
            if constexpr (std::default_initializable<T>)
                if (!r.alive_) {
                    std::construct_at(std::addressof(r.value));
                    r.alive_ = true;
                }
            return r;
        }
    }
};

}  // namespace detail

// For `auto [v, ok] = …`.
template <std::size_t I, class R>
requires std::same_as<std::remove_cvref_t<R>, received<std::remove_cvref_t<decltype(std::declval<R>().value)>>>
decltype(auto) get(R&& r) {
    static_assert(I < 2);
    if constexpr (I == 0)
        return *std::forward<R>(r);
    else
        return static_cast<std::conditional_t<std::is_lvalue_reference_v<R>, decltype((r.ok)), bool&&>>(r.ok);
}

}  // namespace gossamer

template <class T>
struct std::tuple_size<gossamer::received<T>> : std::integral_constant<std::size_t, 2> {};
template <class T>
struct std::tuple_element<0, gossamer::received<T>> {
    using type = T;
};
template <class T>
struct std::tuple_element<1, gossamer::received<T>> {
    using type = bool;
};
