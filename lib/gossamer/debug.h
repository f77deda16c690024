// SPDX-License-Identifier: BSL-1.0
// debug: what the runtime can say of itself.
#pragma once

#include <string>

namespace gossamer::runtime {

// Every goroutine as a dying process would print it: state or wait reason, minutes, frames, creator; the caller first (SEMANTICS D5 to
// D9, D13). The others run on meanwhile. Any goroutine or thread; takes milliseconds, more with many goroutines.
std::string stack_dump();

}  // namespace gossamer::runtime
