// SPDX-License-Identifier: BSL-1.0
// bits: alignment, powers of two, the cache line.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

namespace gossamer::rt {

inline constexpr size_t kCacheLine = 64;

constexpr size_t align_up(size_t n, size_t to) { return (n + to - 1) & ~(to - 1); }
constexpr unsigned log2_up(size_t n) { return n <= 1 ? 0 : unsigned(std::bit_width(n - 1)); }

}  // namespace gossamer::rt
