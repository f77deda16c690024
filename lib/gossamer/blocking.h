// SPDX-License-Identifier: BSL-1.0
// blocking: announcing a call that may block its thread. Not needed for correctness: an unannounced one is found out within 10 ms and costs
// the others no more than that; announced, it costs them nothing.
#pragma once

#include <functional>
#include <type_traits>
#include <utility>

namespace gossamer {

namespace detail {
void begin_blocking() noexcept;
void end_blocking();
}  // namespace detail

// Runs f() on the calling thread with the processor given to others, and returns its result. f may use the library: the goroutine then takes a
// processor again. errno set by f is lost; return it. Any goroutine; on a plain thread it just calls f.
template <class F>
decltype(auto) blocking(F&& f) {
    struct scope {
        scope() { detail::begin_blocking(); }
        ~scope() { detail::end_blocking(); }
    } announced;
    return std::invoke(std::forward<F>(f));
}

}  // namespace gossamer
