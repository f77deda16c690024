// SPDX-License-Identifier: BSL-1.0
// atomic: the only door to atomics and fences; the seam where the model checker steps in.
// Called by / on: every floor, every thread.
#pragma once

#include <atomic>

namespace gossamer::rt {

template <class T>
using atomic = std::atomic<T>;

// Short names for the orders. Whoever uses one weaker than seq_cst names its partner on the same line.
inline constexpr std::memory_order relaxed = std::memory_order_relaxed;
inline constexpr std::memory_order acquire = std::memory_order_acquire;
inline constexpr std::memory_order release = std::memory_order_release;
inline constexpr std::memory_order acq_rel = std::memory_order_acq_rel;
inline constexpr std::memory_order seq_cst = std::memory_order_seq_cst;

// Orders this thread's accesses against its own signal handlers and against os::heavy_fence() of another thread.
inline void compiler_fence() { std::atomic_signal_fence(std::memory_order_seq_cst); }
inline void full_fence() { std::atomic_thread_fence(std::memory_order_seq_cst); }

}  // namespace gossamer::rt
