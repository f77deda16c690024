// SPDX-License-Identifier: BSL-1.0
// refuse: makes the kernel answer chosen system calls with an error, for every thread of the process and for ever: a child program's last
// resort to see what the runtime does on a kernel, or in a sandbox, that has no more.
// Called by / on: a program of tests/crash, from a plain thread or a goroutine.
// Not done: counting calls. A filter has no state; who wants the n-th call to fail defines the C library's function itself.
#pragma once

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <initializer_list>
#include <vector>

namespace tests {

struct refusal {
    long call;
    int error;
    int argument = -1;   // only calls with this argument
    unsigned value = 0;  // equal to this
};

// Ends the program with status 77, which run_crash.py takes for skipped, where no filter may be set.
inline void refuse(std::initializer_list<refusal> all) {
    auto load = [](size_t at) { return sock_filter BPF_STMT(BPF_LD | BPF_W | BPF_ABS, unsigned(at)); };
    auto skip_unless = [](unsigned value, unsigned char count) {
        return sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, count);
    };
    std::vector<sock_filter> code;
    for (const refusal& r : all) {
        bool any = r.argument < 0;
        code.push_back(load(offsetof(seccomp_data, nr)));
        code.push_back(skip_unless(unsigned(r.call), any ? 1 : 3));
        if (!any) {  // the lower half: the machines that we know have it first
            code.push_back(load(offsetof(seccomp_data, args) + size_t(r.argument) * 8));
            code.push_back(skip_unless(r.value, 1));
        }
        code.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | unsigned(r.error)));
    }
    code.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
    sock_fprog program{static_cast<unsigned short>(code.size()), code.data()};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
        syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program) == 0)
        return;
    std::printf("skipped: seccomp: %s\n", strerror(errno));
    std::fflush(stdout);
    _exit(77);
}

}  // namespace tests
