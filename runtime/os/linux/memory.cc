// SPDX-License-Identifier: BSL-1.0
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "runtime/os/os.h"

namespace gossamer::rt::os {

namespace {

// Numbers of the kernel's interface that Debian 12's headers do not have yet.
constexpr int kGuardInstall = 102;  // Linux 6.13
constexpr unsigned kBatch = 512;

int self_pidfd() {
    static const int fd = int(syscall(SYS_pidfd_open, getpid(), 0));
    return fd;
}

// One advice for many ranges: a process_madvise for up to 512 of them, else a call each. False when the kernel does not know it.
bool advise(const range* ranges, unsigned count, int advice) {
    static atomic<bool> batched{true};
    unsigned done = 0;
    while (done < count && count - done > 1 && batched.load()) {
        iovec vec[kBatch];
        unsigned n = count - done < kBatch ? count - done : kBatch;
        size_t bytes = 0;
        for (unsigned i = 0; i < n; i++) {
            vec[i] = {ranges[done + i].base, ranges[done + i].bytes};
            bytes += ranges[done + i].bytes;
        }
        ssize_t advised = syscall(SYS_process_madvise, self_pidfd(), vec, n, advice, 0);
        if (advised < 0 || size_t(advised) != bytes) {
            batched.store(false);
            break;
        }
        done += n;
    }
    for (; done < count; done++)
        if (madvise(ranges[done].base, ranges[done].bytes, advice) != 0) return false;
    return true;
}

}  // namespace

void* reserve(size_t bytes) {
    void* p =
        mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (p == MAP_FAILED) return nullptr;
    madvise(p, bytes, MADV_NOHUGEPAGE);  // a huge page would commit eight stacks at the first touch of one
    return p;
}

void release(void* base, size_t bytes) { munmap(base, bytes); }

namespace {
atomic<guard_kind> best_allowed{guard_kind::regions};
}

void limit_guards(guard_kind at_most) { best_allowed.store(at_most); }

guard_kind guards() {
    static const guard_kind kind = [] {
        void* p = mmap(nullptr, kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (p == MAP_FAILED) return guard_kind::none;
        bool regions = madvise(p, kPage, kGuardInstall) == 0;
        munmap(p, kPage);
        return regions ? guard_kind::regions : guard_kind::mprotect;
    }();
    guard_kind allowed = best_allowed.load();
    return allowed > kind ? allowed : kind;
}

bool guard(const range* ranges, unsigned count) {
    switch (guards()) {
        case guard_kind::regions:
            return advise(ranges, count, kGuardInstall);
        case guard_kind::mprotect:
            for (unsigned i = 0; i < count; i++)
                if (mprotect(ranges[i].base, ranges[i].bytes, PROT_NONE) != 0) return false;
            return true;
        case guard_kind::none:
            break;
    }
    return false;
}

void give_back(const range* ranges, unsigned count) { advise(ranges, count, MADV_DONTNEED); }

}  // namespace gossamer::rt::os
