// SPDX-License-Identifier: BSL-1.0
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

#if __has_include(<sys/rseq.h>)  // glibc 2.35
#include <sys/rseq.h>
#define GOSSAMER_LIBC_HAS_RSEQ
#endif

#include "runtime/base/event.h"
#include "runtime/base/fatal.h"
#include "runtime/os/os.h"
#include "runtime/os/restartable.h"

namespace gossamer::rt::os {

namespace {

bool can_register(int command, int registration) {
    long offered = syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 0, 0);
    return offered > 0 && (offered & command) != 0 && syscall(SYS_membarrier, registration, 0, 0) == 0;
}

void barrier(int command) {
    count(event::fence);
    check(syscall(SYS_membarrier, command, 0, 0) == 0, "a registered membarrier does not fail");
}

}  // namespace

bool has_heavy_fence() {
    static const bool works = can_register(MEMBARRIER_CMD_PRIVATE_EXPEDITED, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED);
    return works;
}

void heavy_fence() {
    full_fence();
    if (!has_heavy_fence()) return;
    barrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED);
}

ptrdiff_t restartable_area = 0;

bool has_restart_fence() {
    static const bool works = [] {
#if defined(__x86_64__) && defined(GOSSAMER_LIBC_HAS_RSEQ) && !defined(GOSSAMER_SANITIZED)
        // 0 bytes: the C library was told not to register it, or the kernel or valgrind refused.
        if (__rseq_size == 0 ||
            !can_register(MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ))
            return false;
        restartable_area = __rseq_offset;
#endif
        return restartable_area != 0;
    }();
    return works;
}

void restart_fence() { barrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ); }

}  // namespace gossamer::rt::os
