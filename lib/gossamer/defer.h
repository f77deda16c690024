// SPDX-License-Identifier: BSL-1.0
// defer: a call that is made when the block ends, however it ends: `defer d{[&] { file.close(); }};`. The block, not
// the function as in Go: in a loop it runs each turn (SEMANTICS P9). Several run last first. What the call throws
// leaves the block as any exception does; while another exception is already on its way that ends the process with both
// in the report (P10).
#pragma once

#include <utility>

namespace gossamer {

template <class F>
class [[nodiscard]] defer {
  public:
    explicit defer(F f) : f_(std::move(f)) {}
    ~defer() noexcept(false) { f_(); }
    defer(const defer&) = delete;
    defer& operator=(const defer&) = delete;

  private:
    F f_;
};

}  // namespace gossamer
