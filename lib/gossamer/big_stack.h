// SPDX-License-Identifier: BSL-1.0
// big_stack: a deep recursion, or somebody else's code that wants megabytes of stack, called from a goroutine that has a small one.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

namespace gossamer {

namespace detail {
void on_big_stack(std::size_t bytes, void (*f)(void*), void* arg);
}  // namespace detail

inline constexpr std::size_t kBigStack = std::size_t{64} << 20;

// Runs f() on a stack of at least `bytes` and returns its result. The goroutine stays the same: it may wait there, and what f throws, goexit()
// among it, comes out here. Where as much is free below the caller, f is simply called; else the way there and back costs 57 ns, and the stack
// address space, and memory as far as it is touched. Afterwards it is kept for the next one; its memory goes back after some seconds. Panics
// when there is no address space for it, or when bytes is not between 16 KiB and 4 GiB. Any goroutine or plain thread. Frames above the call
// are not in dumps while f runs.
template <class F>
auto on_big_stack(std::size_t bytes, F&& f) -> std::invoke_result_t<F> {
    using Result = std::invoke_result_t<F>;
    auto run = [bytes](auto& call) {
        detail::on_big_stack(
            bytes, [](void* c) { (*static_cast<std::remove_reference_t<decltype(call)>*>(c))(); }, &call);
    };
    if constexpr (std::is_void_v<Result>) {
        auto call = [&] { std::invoke(std::forward<F>(f)); };
        run(call);
    } else if constexpr (std::is_reference_v<Result>) {
        std::remove_reference_t<Result>* result = nullptr;
        auto call = [&] {
            Result r = std::invoke(std::forward<F>(f));
            result = std::addressof(r);
        };
        run(call);
        return static_cast<Result>(*result);
    } else {
        std::optional<Result> result;
        auto call = [&] { result.emplace(std::invoke(std::forward<F>(f))); };
        run(call);
        return *std::move(result);
    }
}
template <class F>
auto on_big_stack(F&& f) -> std::invoke_result_t<F> {
    return on_big_stack(kBigStack, std::forward<F>(f));
}

}  // namespace gossamer
