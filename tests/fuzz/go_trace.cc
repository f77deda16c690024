// SPDX-License-Identifier: BSL-1.0
// `gossamer check` on any bytes: in order, or what is wrong and where.
#include <cstdlib>

#include "tools/gossamer/go_check.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    insp::go_check_result r = insp::check_go_trace({reinterpret_cast<const char*>(data), size});
    if (r.ok != r.error.empty() || r.offset > size) std::abort();
    return 0;
}
