// SPDX-License-Identifier: BSL-1.0
// unit and nil: a value that says nothing (Go's struct{}), and the channel that is none.
#pragma once

namespace gossamer {

struct unit {
    friend constexpr bool operator==(unit, unit) = default;
};

// `chan<T> c(nil)`, `c = nil`, `c == nil`: an operation on a nil channel blocks for ever, a select case on one is never ready.
struct nil_t {
    explicit constexpr nil_t(int) {}
};
inline constexpr nil_t nil{0};

}  // namespace gossamer
