// SPDX-License-Identifier: BSL-1.0
// sleep: park until a moment has come.
// Called by / on: a goroutine's stack, a plain thread; not inside an in_runtime scope, no lock held.
#pragma once

#include <cstdint>

namespace gossamer::rt {

// Returns at or after `when`, at once when that has passed (TM1). Allocates nothing.
// `site`: for who inspects it.
void sleep_until(int64_t when, void* site = __builtin_return_address(0));

}  // namespace gossamer::rt
