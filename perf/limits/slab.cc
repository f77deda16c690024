// SPDX-License-Identifier: BSL-1.0

#include "perf/limits/slab.h"

#include <sys/mman.h>

#include <cstdio>
#include <cstdlib>

namespace perf {

slab::slab(std::int64_t stacks) : bytes_(static_cast<std::size_t>(stacks) * kStackBytes) {
    void* p = ::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED) {
        std::perror("address space for stacks");
        std::exit(1);
    }
    low_ = static_cast<char*>(p);
    ::madvise(low_, bytes_, MADV_NOHUGEPAGE);  // a stack wants its one page, not 512
}

slab::~slab() { ::munmap(low_, bytes_); }

void slab::guard_all() {
    constexpr int kGuardInstall = 102;  // MADV_GUARD_INSTALL, which Debian 12's headers do not name
    for (std::size_t at = 0; at < bytes_; at += kStackBytes) {
        if (::madvise(low_ + at, kGuard, kGuardInstall) != 0) return;
    }
}

}  // namespace perf
