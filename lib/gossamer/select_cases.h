// SPDX-License-Identifier: BSL-1.0
// select_cases: what may stand in a select. Each only describes; nothing happens before select() is called with it.
//   recv(c)               value by s.get<I>()            recv<"job">(c)   value by s.get<"job">()
//   recv(c, x)            value into x (the zero value when c is closed and drained)
//   recv(c, x, ok)        and whether it was sent
//   send(c, v)            v is copied (or moved) now, chosen or not (SE1)
//   on(c, f)              f(value, ok), f(value) or f()
//   to(c, v, f)           f() after v was sent
//   otherwise             when nothing is ready; otherwise(f) with a handler
// The channel must live until select() returns; a temporary in the same expression does. C++ leaves open in which order the arguments
// of a call are evaluated.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <type_traits>
#include <utility>

#include "gossamer/chan.h"
#include "gossamer/select_core.h"

namespace gossamer {
namespace detail {

template <std::size_t N>
struct case_name {
    char text[N];
    consteval case_name(const char (&s)[N]) { std::copy_n(s, N, text); }
    constexpr std::string_view view() const { return {text, N - 1}; }
};

template <class C>
concept receives = std::derived_from<C, receiving<C, typename C::value_type>>;
template <class C>
concept sends = std::derived_from<C, sending<C, typename C::value_type>>;

enum class role : uint8_t { receive, send, otherwise };

struct case_base {
    static constexpr bool kHandler = false;   // select() calls it and returns nothing
    static constexpr bool kHasValue = false;  // get<I>()
    static constexpr std::string_view kName{};
    case_base() = default;
    case_base(const case_base&) = delete;
    case_base& operator=(const case_base&) = delete;
};

// Room for a slot that a core constructs.
template <class S>
union slot_room {
    slot_room() {}
    ~slot_room() {}
    S value;
};

// A case holds its slot itself: it is a temporary in the caller's frame that lives until select() has returned.
template <class T>
class receive_case : public case_base {
  public:
    static constexpr role kRole = role::receive;
    using value_type = T;

    explicit receive_case(rt::chan_header* c) : chan_(c) {}
    ~receive_case() { drop(); }

    rt::select_op op() noexcept {
        drop();
        return {chan_, static_cast<void*>(std::addressof(room_.value)), false};
    }
    // The case was chosen; `ok`: the slot holds a value.
    void settle(bool ok) noexcept { full_ = ok; }
    // The value, moved out; a second one is what moving left.
    received<T> take() {
        return receive_by<T>([this](void* to) {
            if (full_) ::new (to) slot<T>(std::move(room_.value));
            return full_;
        });
    }
    void drop() noexcept {
        if constexpr (!std::is_trivially_destructible_v<slot<T>>)
            if (std::exchange(full_, false)) std::destroy_at(std::addressof(room_.value));
    }

  private:
    rt::chan_header* chan_;
    slot_room<slot<T>> room_;
    bool full_ = false;
};

template <class T>
class recv_case : public receive_case<T> {
  public:
    static constexpr bool kHasValue = true;
    using receive_case<T>::receive_case;
};

template <class T, case_name Name>
class named_recv_case : public recv_case<T> {
  public:
    static constexpr std::string_view kName = Name.view();
    using recv_case<T>::recv_case;
};

// The variables of recv(c, x, ok).
template <class T, class X>
struct into {
    static_assert(std::default_initializable<T>, "recv(c, x) needs a zero value for when c is closed");
    X& value;
    bool* ok;  // or null
    void assign(received<T> r) const {
        value = std::move(r.value);
        if (ok != nullptr) *ok = r.ok;
    }
};

template <class T, class X>
class recv_into_case : public receive_case<T> {
  public:
    recv_into_case(rt::chan_header* c, X& value, bool* ok) : receive_case<T>(c), into_{value, ok} {}
    void settle(bool ok) {
        receive_case<T>::settle(ok);
        into_.assign(this->take());
    }
    const into<T, X>& destination() const noexcept { return into_; }

  private:
    into<T, X> into_;
};

template <class T, class F>
class on_case : public receive_case<T> {
  public:
    static constexpr bool kHandler = true;
    on_case(rt::chan_header* c, F f) : receive_case<T>(c), f_(std::forward<F>(f)) {}
    void call() {
        received<T> r = this->take();
        if constexpr (std::invocable<F&, T, bool>)
            f_(std::move(*r), r.ok);
        else if constexpr (std::invocable<F&, T>)
            f_(std::move(*r));
        else
            f_();
    }

  private:
    F f_;
};

template <class T>
class send_case : public case_base {
  public:
    static constexpr role kRole = role::send;
    template <class V>
    send_case(rt::chan_header* c, V&& v) : chan_(c), value_(make_slot<T>(std::forward<V>(v))) {}
    rt::select_op op() noexcept { return {chan_, static_cast<void*>(std::addressof(value_)), true}; }
    void settle(bool) noexcept {}
    slot<T>& value() noexcept { return value_; }

  private:
    rt::chan_header* chan_;
    slot<T> value_;
};

template <class T, case_name Name>
class named_send_case : public send_case<T> {
  public:
    static constexpr std::string_view kName = Name.view();
    using send_case<T>::send_case;
};

template <class T, class F>
class to_case : public send_case<T> {
  public:
    static constexpr bool kHandler = true;
    template <class V>
    to_case(rt::chan_header* c, V&& v, F f) : send_case<T>(c, std::forward<V>(v)), f_(std::forward<F>(f)) {}
    void call() { f_(); }

  private:
    F f_;
};

template <class F>
class otherwise_case : public case_base {
  public:
    static constexpr role kRole = role::otherwise;
    static constexpr bool kHandler = true;
    explicit otherwise_case(F f) : f_(std::forward<F>(f)) {}
    rt::select_op op() const noexcept { return {}; }
    void settle(bool) const noexcept {}
    void call() { f_(); }

  private:
    F f_;
};

struct otherwise_t {
    static constexpr role kRole = role::otherwise;
    static constexpr bool kHandler = false;
    static constexpr bool kHasValue = false;
    static constexpr std::string_view kName = "otherwise";
    rt::select_op op() const noexcept { return {}; }
    void settle(bool) const noexcept {}
    void call() const noexcept {}
    // For the handler form.
    template <std::invocable F>
    otherwise_case<F&&> operator()(F&& f) const {
        return otherwise_case<F&&>(std::forward<F>(f));
    }
};

template <class C>
concept select_case_type = requires {
    { std::remove_cvref_t<C>::kRole } -> std::convertible_to<role>;
};

}  // namespace detail

inline constexpr detail::otherwise_t otherwise;

template <detail::receives C>
detail::recv_case<typename C::value_type> recv(const C& c) {
    return detail::recv_case<typename C::value_type>(c.core());
}
template <detail::case_name Name, detail::receives C>
detail::named_recv_case<typename C::value_type, Name> recv(const C& c) {
    return detail::named_recv_case<typename C::value_type, Name>(c.core());
}
template <detail::receives C, class X>
requires std::assignable_from<X&, typename C::value_type> detail::recv_into_case<typename C::value_type, X> recv(
    const C& c, X& x) {
    return detail::recv_into_case<typename C::value_type, X>(c.core(), x, nullptr);
}
template <detail::receives C, class X>
requires std::assignable_from<X&, typename C::value_type> detail::recv_into_case<typename C::value_type, X> recv(
    const C& c, X& x, bool& ok) {
    return detail::recv_into_case<typename C::value_type, X>(c.core(), x, &ok);
}

template <detail::sends C, class V = typename C::value_type>
requires std::constructible_from<typename C::value_type, V> detail::send_case<typename C::value_type> send(const C& c,
                                                                                                           V&& v) {
    return detail::send_case<typename C::value_type>(c.core(), std::forward<V>(v));
}
template <detail::case_name Name, detail::sends C, class V = typename C::value_type>
requires std::constructible_from<typename C::value_type, V> detail::named_send_case<typename C::value_type, Name> send(
    const C& c, V&& v) {
    return detail::named_send_case<typename C::value_type, Name>(c.core(), std::forward<V>(v));
}

template <detail::receives C, class F>
requires std::invocable<F&, typename C::value_type, bool> || std::invocable<F&, typename C::value_type> ||
    std::invocable<F&>
        detail::on_case<typename C::value_type, F&&> on(const C& c, F&& f) {
    return detail::on_case<typename C::value_type, F&&>(c.core(), std::forward<F>(f));
}
template <detail::sends C, class V, std::invocable F>
requires std::constructible_from<typename C::value_type, V> detail::to_case<typename C::value_type, F&&> to(const C& c,
                                                                                                            V&& v,
                                                                                                            F&& f) {
    return detail::to_case<typename C::value_type, F&&>(c.core(), std::forward<V>(v), std::forward<F>(f));
}

}  // namespace gossamer
