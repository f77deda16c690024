// SPDX-License-Identifier: BSL-1.0
#include "gossamer/debug.h"

#include "runtime/debug/dump.h"

namespace gossamer::runtime {

std::string stack_dump() { return rt::stack_dump(); }

}  // namespace gossamer::runtime
