// SPDX-License-Identifier: BSL-1.0
// A kernel, or a sandbox, without what came after Linux 4.18: no membarrier, no guard regions, no advice for many ranges, no sleep in
// nanoseconds in the poller, no memory populated ahead. Everything is done the old way.
#include <gossamer/go.h>
#include <gossamer/runtime.h>

#include "../support/everything.h"
#include "../support/refuse.h"

int main() {
    constexpr int kAdvice = 2;  // madvise's third argument
    tests::refuse({{SYS_membarrier, ENOSYS},
                   {SYS_process_madvise, ENOSYS},
                   {SYS_pidfd_open, ENOSYS},
                   {SYS_epoll_pwait2, ENOSYS},
                   {SYS_clone3, ENOSYS},
                   {SYS_preadv2, ENOSYS},
                   {SYS_openat2, ENOSYS},
                   {SYS_madvise, EINVAL, kAdvice, 102},   // guard regions
                   {SYS_madvise, EINVAL, kAdvice, 23}});  // populate
    return gossamer::run([] {
        for (int i = 0; i < 3; i++) tests::do_everything();
        std::printf("%d membarriers\n", int(gossamer::runtime::metrics().fences));
        return 0;
    });
}
