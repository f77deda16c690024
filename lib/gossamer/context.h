// SPDX-License-Identifier: BSL-1.0
// context: Go's context: says when work is to be given up, and carries what belongs to a request (SEMANTICS A9). A counted handle to an
// immutable node of a tree; all of it may be called from goroutines and plain threads at once.
//   auto [ctx, cancel] = with_timeout(parent, 2s);
//   defer stop{cancel};
//   switch (select(recv(jobs), recv(ctx.done()))) { … case 1: return ctx.err(); }
// Cancelling ends all descendants before cancel() returns (CX6). Not calling cancel keeps a deadline's timer until it passes or the
// parent ends, and nothing more (CX13). A child costs no goroutine (CX18).
#pragma once

#include <chrono>
#include <concepts>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <typeinfo>
#include <utility>

#include "gossamer/chan.h"
#include "gossamer/error.h"
#include "gossamer/time.h"
#include "gossamer/unit.h"

namespace gossamer {

class context;

namespace detail {

struct context_node;   // lib/context.cc
struct after_context;  // lib/context.cc: one registration of after_func
void retain_context(context_node* n) noexcept;
void release_context(context_node* n) noexcept;
void retain_after(after_context* a) noexcept;
void release_after(after_context* a) noexcept;

// What with_value carries.
struct held_value {
    held_value() = default;
    held_value(const held_value&) = delete;
    held_value& operator=(const held_value&) = delete;
    virtual ~held_value() = default;
    const void* at = nullptr;
};
template <class T>
struct held_value_of final : held_value {
    template <class U>
    held_value_of(std::in_place_t, U&& u) : value(std::forward<U>(u)) {
        at = &value;
    }
    T value;
};

template <class Key>
struct context_value {
    using type = Key;
};
template <class Key>
requires requires { typename Key::type; }
struct context_value<Key> {
    using type = typename Key::type;
};

}  // namespace detail

class context {
  public:
    // What err() gives after cancel(), and after a deadline: "context canceled", "context deadline exceeded" (CX4). The second has the code
    // std::errc::timed_out.
    static const error canceled;
    static const error deadline_exceeded;

    // A nil context: to derive from it, or to ask it, throws panic (CX17).
    context() noexcept = default;
    explicit context(detail::context_node* owned) noexcept : node_(owned) {}
    context(const context& o) noexcept : node_(o.node_) {
        if (node_ != nullptr) detail::retain_context(node_);
    }
    context(context&& o) noexcept : node_(std::exchange(o.node_, nullptr)) {}
    context& operator=(context o) noexcept {
        std::swap(node_, o.node_);
        return *this;
    }
    ~context() {
        if (node_ != nullptr) detail::release_context(node_);
    }

    // Closed when the context is done; the same channel each time; nil when that can never be (CX1, CX2). The reference lives as long as
    // some handle to the context, a copy of the channel for itself.
    const recv_chan<unit>& done() const;
    // Null until done; then canceled or deadline_exceeded for ever (CX2).
    error err() const;
    // Why: what the canceller gave, else err() (CX8).
    error cause() const;
    // When it will be done at the latest; nothing when there is no such moment.
    std::optional<time_point> deadline() const;
    // The nearest value under that key, looked up outwards; null when there is none. It lives as long as some handle to the context (CX14).
    template <class Key>
    const typename detail::context_value<Key>::type* value() const {
        return static_cast<const typename detail::context_value<Key>::type*>(find(typeid(Key)));
    }
    // How it was made: "context.Background.WithCancel".
    std::string to_string() const;

    // False for a nil context.
    explicit operator bool() const noexcept { return node_ != nullptr; }
    // Identity.
    friend bool operator==(const context& a, const context& b) noexcept { return a.node_ == b.node_; }

    detail::context_node* node() const noexcept { return node_; }

  private:
    const void* find(const std::type_info& key) const;

    detail::context_node* node_ = nullptr;
};

// Ends its context. May be called any number of times, from anywhere; does not wait for the work to stop (CX3). Every descendant is done
// when it returns (CX6).
class cancel_func {
  public:
    explicit cancel_func(context of) noexcept : of_(std::move(of)) {}
    void operator()() const;

  private:
    context of_;
};

// The same with a reason: the first call decides; a null cause stands for context::canceled (CX8).
class cancel_cause_func {
  public:
    explicit cancel_cause_func(context of) noexcept : of_(std::move(of)) {}
    void operator()(error cause) const;

  private:
    context of_;
};

// Takes an after_func back: true when the function will not run because of this call; does not wait for one that runs (CX16).
class stop_func {
  public:
    explicit stop_func(detail::after_context* owned) noexcept : after_(owned) {}
    stop_func(const stop_func& o) noexcept : after_(o.after_) {
        if (after_ != nullptr) detail::retain_after(after_);
    }
    stop_func(stop_func&& o) noexcept : after_(std::exchange(o.after_, nullptr)) {}
    stop_func& operator=(stop_func o) noexcept {
        std::swap(after_, o.after_);
        return *this;
    }
    ~stop_func() {
        if (after_ != nullptr) detail::release_after(after_);
    }
    bool operator()() const;

  private:
    detail::after_context* after_;
};

struct [[nodiscard]] cancelable {
    context ctx;
    cancel_func cancel;
};
struct [[nodiscard]] cancelable_with_cause {
    context ctx;
    cancel_cause_func cancel;
};

namespace detail {

context value_context(const context& parent, const std::type_info& key, std::unique_ptr<held_value> value);
cancelable deadline_context(const context& parent, int64_t when, error cause);
int64_t moment_after(int64_t ns);
stop_func call_after(const context& ctx, std::unique_ptr<closure> f);

}  // namespace detail

// The root of all: never cancelled, no deadline, no values (CX1). todo() is the same, to mark what is still to be thought of.
context background() noexcept;
context todo() noexcept;

// A child that ends with its parent or when cancel is called, whichever comes first (CX3).
cancelable with_cancel(const context& parent);
cancelable_with_cause with_cancel_cause(const context& parent);

// A child that ends at `when` at the latest; the parent's deadline counts when it is earlier (CX10). Already done when that moment has
// passed (CX11). The cause is what cause() gives after the deadline, not after cancel (CX12).
inline cancelable with_deadline_cause(const context& parent, time_point when, error cause) {
    return detail::deadline_context(parent, when.time_since_epoch().count(), std::move(cause));
}
inline cancelable with_deadline(const context& parent, time_point when) {
    return with_deadline_cause(parent, when, error());
}
template <class Rep, class Period>
cancelable with_timeout_cause(const context& parent, std::chrono::duration<Rep, Period> d, error cause) {
    return detail::deadline_context(parent, detail::moment_after(detail::to_ns(d)), std::move(cause));
}
template <class Rep, class Period>
cancelable with_timeout(const context& parent, std::chrono::duration<Rep, Period> d) {
    return with_timeout_cause(parent, d, error());
}

// A child that carries a value under the type Key: a Key::type if there is such a member type, else a Key (CX14).
//   struct user { using type = std::string; };
//   ctx = with_value<user>(ctx, "gopher");   const std::string* name = ctx.value<user>();
template <class Key, class U = typename detail::context_value<Key>::type>
context with_value(const context& parent, U&& v) {
    using T = typename detail::context_value<Key>::type;
    return detail::value_context(parent, typeid(Key),
                                 std::make_unique<detail::held_value_of<T>>(std::in_place, std::forward<U>(v)));
}

// A child with the parent's values that is never done (CX15).
context without_cancel(const context& parent);

// context.Cause: why ctx is done, null while it is not.
inline error cause(const context& ctx) { return ctx.cause(); }

// Runs f in a goroutine of its own once ctx is done, at once when it is (CX16).
template <class F>
requires std::invocable < std::decay_t<F>
& > stop_func after_func(const context& ctx, F&& f) {
    return detail::call_after(ctx, detail::make_closure(std::forward<F>(f)));
}

}  // namespace gossamer
