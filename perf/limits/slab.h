// SPDX-License-Identifier: BSL-1.0
// slab: address space for stacks, laid out as the runtime lays out its own: a guard below each, one mapping for all.

#pragma once

#include <cstddef>
#include <cstdint>

namespace perf {

constexpr std::size_t kStackBytes = std::size_t{256} << 10;  // from one stack to the next
constexpr std::size_t kGuard = std::size_t{16} << 10;

class slab {
  public:
    explicit slab(std::int64_t stacks);
    slab(const slab&) = delete;
    slab& operator=(const slab&) = delete;
    ~slab();

    // Guards that cost no mapping of their own; without effect before Linux 6.13.
    void guard_all();

    char* top(std::int64_t i) const { return low_ + static_cast<std::size_t>(i + 1) * kStackBytes; }

  private:
    char* low_;
    std::size_t bytes_;
};

}  // namespace perf
