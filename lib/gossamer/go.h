// SPDX-License-Identifier: BSL-1.0
// go: starting goroutines. `go(f, args…)` is Go's `go f(args…)`; `run(f)` makes main a goroutine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <new>
#include <tuple>
#include <type_traits>
#include <utility>

#include "gossamer/panic.h"

namespace gossamer {

// How a goroutine is started; go({.name = "reader", .stack = 1 << 20}, f).
struct spawn_options {
    // For dumps and the inspector. Must live as long as the goroutine (a literal does).
    const char* name = nullptr;
    // Bytes of stack; 0: the default (GOSSAMER_STACK, 240 KiB). Committed by touch, so a large one costs nothing until used.
    // 16 KiB to 4 GiB; anything else panics.
    std::size_t stack = 0;
};

namespace detail {

inline constexpr std::size_t kInlineClosure = 64;

// A goroutine that is being made: where its closure goes (kInlineClosure bytes, aligned to 16), and the rest.
struct spawning {
    void* closure;
    void* handle;
};
spawning spawn_begin(const spawn_options* options);
// invoke runs the closure and destroys it.
void spawn_finish(spawning s, void (*invoke)(void* closure));
void spawn_abort(spawning s) noexcept;
// spawn_begin, a copy of `size` bytes and spawn_finish in one call.
void spawn_bytes(const void* closure, std::size_t size, void (*invoke)(void* closure));
[[noreturn]] void spawn_of_nothing();

template <class F>
bool is_nothing(const F& f) {
    if constexpr (std::is_pointer_v<F> || std::is_member_pointer_v<F>)
        return f == nullptr;
    else if constexpr (requires { typename F::result_type; } && std::is_constructible_v<bool, const F&>)
        return !static_cast<bool>(f);  // std::function
    else
        return false;
}

// The closure of go(f, args…): decayed copies, as std::thread keeps them.
template <class F, class... Args>
struct call {
    [[no_unique_address]] F f;
    [[no_unique_address]] std::tuple<Args...> args;
    void operator()() {
        std::apply([this](Args&... a) { std::invoke(std::move(f), std::move(a)...); }, args);
    }
};
template <class F>
struct call<F> {
    [[no_unique_address]] F f;
    void operator()() { std::invoke(std::move(f)); }
};

template <class Call>
void invoke_inline(void* closure) {
    struct destroy {
        Call* c;
        ~destroy() { c->~Call(); }
    } guard{std::launder(static_cast<Call*>(closure))};
    (*guard.c)();
}
template <class Call>
void invoke_boxed(void* closure) {
    std::unique_ptr<Call> c(*static_cast<Call**>(closure));
    (*c)();
}

template <class F, class... Args>
void spawn(const spawn_options* options, F&& f, Args&&... args) {
    using Call = call<std::decay_t<F>, std::decay_t<Args>...>;
    static_assert(std::is_invocable_v<std::decay_t<F>, std::decay_t<Args>...>,
                  "go(f, args...): f cannot be called with these arguments");
    if (is_nothing(f)) spawn_of_nothing();
    if constexpr (sizeof(Call) <= kInlineClosure && alignof(Call) <= 16) {
        if constexpr (std::is_trivially_copyable_v<Call> && sizeof...(Args) == 0) {
            if (options == nullptr) {
                Call c{std::forward<F>(f)};
                return spawn_bytes(&c, sizeof c, invoke_inline<Call>);
            }
        }
        spawning s = spawn_begin(options);
        struct abort_unless_built {
            spawning* s;
            ~abort_unless_built() {
                if (s != nullptr) spawn_abort(*s);
            }
        } guard{&s};
        if constexpr (sizeof...(Args) == 0)
            new (s.closure) Call{std::forward<F>(f)};
        else
            new (s.closure) Call{std::forward<F>(f), {std::forward<Args>(args)...}};
        guard.s = nullptr;
        spawn_finish(s, invoke_inline<Call>);
    } else {
        std::unique_ptr<Call> c;
        if constexpr (sizeof...(Args) == 0)
            c.reset(new Call{std::forward<F>(f)});
        else
            c.reset(new Call{std::forward<F>(f), {std::forward<Args>(args)...}});
        spawning s = spawn_begin(options);
        *static_cast<Call**>(s.closure) = c.release();
        spawn_finish(s, invoke_boxed<Call>);
    }
}

// Starts f as the main goroutine and waits, as a thread, until it has ended.
void run_main(void (*f)(void*), void* arg);

}  // namespace detail

// Starts f(args…) as a goroutine: f and the arguments are decayed and copied or moved before go() returns (SEMANTICS G1), so move-only
// ones work; the result is discarded. Never blocks, never yields (G4). What leaves f uncaught ends the process with status 2 (G7); a null
// function pointer or empty std::function is fatal here, in the caller (G9). Any goroutine or plain thread.
template <class F, class... Args>
requires(!std::is_same_v<std::remove_cvref_t<F>, spawn_options>) void go(F&& f, Args&&... args) {
    detail::spawn(nullptr, std::forward<F>(f), std::forward<Args>(args)...);
}
// The same with a name or a stack size: go({.name = "reader"}, f, args…).
template <class F, class... Args>
void go(const spawn_options& options, F&& f, Args&&... args) {
    detail::spawn(&options, std::forward<F>(f), std::forward<Args>(args)...);
}

// Runs f as the main goroutine and returns what it returns; `int main() { return run([] { …; return 0; }); }`. As in Go, the other
// goroutines are not waited for (SEMANTICS G6). REQUIRES: called on a plain thread.
template <class F>
auto run(F&& f) -> std::invoke_result_t<F&> {
    using Result = std::invoke_result_t<F&>;
    if constexpr (std::is_function_v<std::remove_reference_t<F>>) {
        auto* pointer = std::addressof(f);  // a function is no object, to which a void* could point
        return run(pointer);
    } else if constexpr (std::is_void_v<Result>) {
        detail::run_main([](void* p) { (*static_cast<std::remove_reference_t<F>*>(p))(); },
                         const_cast<void*>(static_cast<const void*>(std::addressof(f))));
    } else {
        struct frame {
            std::remove_reference_t<F>* f;
            alignas(Result) unsigned char result[sizeof(Result)];
        } frame{std::addressof(f), {}};
        detail::run_main(
            [](void* p) {
                auto* fr = static_cast<struct frame*>(p);
                new (fr->result) Result((*fr->f)());
            },
            &frame);
        auto* r = std::launder(reinterpret_cast<Result*>(frame.result));
        struct destroy {
            Result* r;
            ~destroy() { r->~Result(); }
        } guard{r};
        return std::move(*r);
    }
}

// Gives way to other goroutines; the caller stays runnable (Go's runtime.Gosched, SEMANTICS G13). On a plain thread: sched_yield.
void yield();

// Ends the calling goroutine: its stack is unwound, destructors run (SEMANTICS G14). catch (...) must rethrow it; swallowing it is fatal.
// In the main goroutine the others go on (G15). On a plain thread it panics: there is no goroutine to end.
[[noreturn]] void goexit();

}  // namespace gossamer
