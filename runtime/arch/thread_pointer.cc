// SPDX-License-Identifier: BSL-1.0
#include "runtime/arch/thread_pointer.h"

extern "C" {
thread_local constinit gossamer::rt::M* gossamer_tls_m = nullptr;
}

namespace gossamer::rt::arch {

void store_current_m(M* m) { gossamer_tls_m = m; }

}  // namespace gossamer::rt::arch
