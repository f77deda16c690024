// SPDX-License-Identifier: BSL-1.0
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "runtime/base/event.h"
#include "runtime/base/fatal.h"
#include "runtime/os/os.h"

namespace gossamer::rt::os {

bool has_heavy_fence() {
    static const bool works = [] {
        long offered = syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 0, 0);
        return offered > 0 && (offered & MEMBARRIER_CMD_PRIVATE_EXPEDITED) != 0 &&
               syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0;
    }();
    return works;
}

void heavy_fence() {
    full_fence();
    if (!has_heavy_fence()) return;
    count(event::fence);
    check(syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) == 0,
          "a registered membarrier does not fail");
}

}  // namespace gossamer::rt::os
