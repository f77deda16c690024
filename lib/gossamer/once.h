// SPDX-License-Identifier: BSL-1.0
// once: something that is done one time (SEMANTICS ON1 to ON3), and functions that keep what their first call gave.
#pragma once

#include <atomic>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <type_traits>
#include <utility>

#include "gossamer/mutex.h"
#include "gossamer/panic.h"

namespace gossamer {

class once {
  public:
    constexpr once() noexcept = default;
    once(const once&) = delete;
    once& operator=(const once&) = delete;

    // Go's Do. Calls f if this is the first call, whatever f; returns only after the first f has ended. An f that throws or leaves by
    // goexit() counts as done (ON2). Deadlocks when called from inside f.
    // Not done: a compare-exchange alone. The loser would return while f still runs.
    template <class F>
    void call(F&& f) {
        if (!done_.load(std::memory_order_acquire)) [[unlikely]]  // pairs with the store in mark
            call_slow(std::forward<F>(f));
    }

  private:
    struct mark {
        std::atomic<bool>& done;
        ~mark() { done.store(true, std::memory_order_release); }  // pairs with the load in call()
    };

    template <class F>
    [[gnu::noinline]] void call_slow(F&& f) {
        std::lock_guard hold(running_);
        if (done_.load(std::memory_order_relaxed)) return;  // pairs with nothing: the mutex orders
        mark end{done_};
        std::invoke(std::forward<F>(f));
    }

    std::atomic<bool> done_{false};
    mutex running_;
};

namespace detail {

// Whether goexit() is what is being handled. REQUIRES: called in a catch block.
bool ends_by_goexit() noexcept;

template <class F>
class once_state {
  public:
    using result = std::invoke_result_t<F&>;

    explicit once_state(F f) : f_(std::move(f)) {}

    result get() {
        first_.call([this] { run(); });
        if (thrown_) std::rethrow_exception(thrown_);
        if (!value_) throw panic(nullptr);  // f left by goexit()
        if constexpr (std::is_lvalue_reference_v<result>)
            return **value_;
        else if constexpr (!std::is_void_v<result>)
            return *value_;
    }

  private:
    struct release_f {  // f and what it holds are not needed any more, however it ended
        std::optional<F>& f;
        ~release_f() { f.reset(); }
    };

    void run() {
        release_f end{f_};
        try {
            if constexpr (std::is_void_v<result>) {
                std::invoke(*f_);
                value_.emplace();
            } else if constexpr (std::is_lvalue_reference_v<result>) {
                value_.emplace(std::addressof(std::invoke(*f_)));
            } else {
                value_.emplace(std::invoke(*f_));
            }
        } catch (...) {
            if (ends_by_goexit()) throw;
            thrown_ = std::current_exception();
        }
    }

    struct nothing {};
    using stored = std::conditional_t<std::is_void_v<result>, nothing,
                                      std::conditional_t<std::is_lvalue_reference_v<result>,
                                                         std::add_pointer_t<std::remove_reference_t<result>>, result>>;
    once first_;
    std::optional<F> f_;
    std::optional<stored> value_;
    std::exception_ptr thrown_;
};

}  // namespace detail

// A function that calls f at its first call and later returns what that gave; what f threw is thrown at every call (ON3). Copies share
// the one call. Any goroutine or thread may call it. f is destroyed after its call. The result is copied out.
template <class F>
auto once_value(F f) {
    return [state = std::make_shared<detail::once_state<F>>(std::move(f))]() -> std::invoke_result_t<F&> {
        return state->get();
    };
}
// The same for an f without a result.
template <class F>
auto once_func(F f) {
    static_assert(std::is_void_v<std::invoke_result_t<F&>>,
                  "once_func is for functions without a result: see once_value");
    return once_value(std::move(f));
}
// The same for an f that gives a pair or tuple: `auto [v, err] = load();`.
template <class F>
auto once_values(F f) {
    return once_value(std::move(f));
}

}  // namespace gossamer
