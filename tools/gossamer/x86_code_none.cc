// SPDX-License-Identifier: BSL-1.0
// Where Capstone is not installed.
#include "tools/gossamer/x86_code.h"

namespace insp {

bool can_decode_x86() { return false; }

std::vector<x86_instruction> decode_x86(const uint8_t*, uint64_t, uint64_t) { return {}; }

}  // namespace insp
