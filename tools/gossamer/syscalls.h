// SPDX-License-Identifier: BSL-1.0
// syscalls: what a thread of another process does in the kernel, in words: /proc/PID/task/TID/syscall, stat and wchan.
#pragma once

#include <cstdint>
#include <string>

namespace insp {

struct kernel_look {
    char state = '?';    // of /proc/PID/stat: R wants or has a CPU, S sleeps, D sleeps and cannot be woken, T stopped
    bool known = false;  // the kernel told what follows
    bool is_running = false;  // on a CPU, or about to be
    int64_t call = -1;        // number of the system call it is in; -1: none (a page fault, or it runs)
    uint64_t arguments[6] = {};
    std::string sleeps_in;  // function of the kernel ("hrtimer_nanosleep"); "" not known
};
kernel_look look_at_thread(uint32_t pid, uint64_t tid);

// "read"; "syscall 512" when the number is not in the table.
std::string syscall_name(int64_t number);
// "read(5 socket:[1234], 0x7f0012345678, 4096)"
std::string syscall_text(const kernel_look& look, uint32_t pid);
// A stop of its thread makes it fail with EINTR, which the program may not expect.
bool syscall_minds_a_stop(int64_t number);

}  // namespace insp
