// SPDX-License-Identifier: BSL-1.0
#include "tools/gossamer/syscalls.h"

#include <sys/utsname.h>
#include <unistd.h>

#include <cinttypes>
#include <cstdio>
#include <cstring>

namespace insp {

namespace {

// Numbers of x86-64 and of the machines with the common table (aarch64, riscv64); -1: there is none.
struct known_call {
    const char* name;
    int x86_64, generic;
    int arguments;
    bool takes_fd;      // first
    bool minds_a_stop;  // signal(7): EINTR also without a handler
};
constexpr known_call kCalls[] = {
    {"read", 0, 63, 3, true, false},
    {"write", 1, 64, 3, true, false},
    {"open", 2, -1, 3, false, false},
    {"close", 3, 57, 1, true, false},
    {"stat", 4, -1, 2, false, false},
    {"fstat", 5, 80, 2, true, false},
    {"lstat", 6, -1, 2, false, false},
    {"poll", 7, -1, 3, false, false},
    {"lseek", 8, 62, 3, true, false},
    {"mmap", 9, 222, 6, false, false},
    {"mprotect", 10, 226, 3, false, false},
    {"munmap", 11, 215, 2, false, false},
    {"brk", 12, 214, 1, false, false},
    {"ioctl", 16, 29, 3, true, false},
    {"pread64", 17, 67, 4, true, false},
    {"pwrite64", 18, 68, 4, true, false},
    {"readv", 19, 65, 3, true, false},
    {"writev", 20, 66, 3, true, false},
    {"access", 21, -1, 2, false, false},
    {"pipe", 22, -1, 1, false, false},
    {"select", 23, -1, 5, false, false},
    {"sched_yield", 24, 124, 0, false, false},
    {"mremap", 25, 216, 5, false, false},
    {"msync", 26, 227, 3, false, false},
    {"mincore", 27, 232, 3, false, false},
    {"madvise", 28, 233, 3, false, false},
    {"dup", 32, 23, 1, true, false},
    {"dup2", 33, -1, 2, true, false},
    {"pause", 34, -1, 0, false, false},
    {"nanosleep", 35, 101, 2, false, false},
    {"alarm", 37, -1, 1, false, false},
    {"getpid", 39, 172, 0, false, false},
    {"sendfile", 40, 71, 4, true, false},
    {"socket", 41, 198, 3, false, false},
    {"connect", 42, 203, 3, true, false},
    {"accept", 43, 202, 3, true, false},
    {"sendto", 44, 206, 6, true, false},
    {"recvfrom", 45, 207, 6, true, false},
    {"sendmsg", 46, 211, 3, true, false},
    {"recvmsg", 47, 212, 3, true, false},
    {"shutdown", 48, 210, 2, true, false},
    {"bind", 49, 200, 3, true, false},
    {"listen", 50, 201, 2, true, false},
    {"clone", 56, 220, 5, false, false},
    {"fork", 57, -1, 0, false, false},
    {"vfork", 58, -1, 0, false, false},
    {"execve", 59, 221, 3, false, false},
    {"exit", 60, 93, 1, false, false},
    {"wait4", 61, 260, 4, false, false},
    {"kill", 62, 129, 2, false, false},
    {"uname", 63, 160, 1, false, false},
    {"semop", 65, 193, 3, false, true},
    {"semget", 64, 190, 3, false, false},
    {"semtimedop", 220, 192, 4, false, true},
    {"msgsnd", 69, 189, 4, false, true},
    {"msgrcv", 70, 188, 5, false, true},
    {"fcntl", 72, 25, 3, true, false},
    {"flock", 73, 32, 2, true, false},
    {"fsync", 74, 82, 1, true, false},
    {"fdatasync", 75, 83, 1, true, false},
    {"truncate", 76, 45, 2, false, false},
    {"ftruncate", 77, 46, 2, true, false},
    {"getdents", 78, -1, 3, true, false},
    {"getdents64", 217, 61, 3, true, false},
    {"getcwd", 79, 17, 2, false, false},
    {"chdir", 80, 49, 1, false, false},
    {"rename", 82, -1, 2, false, false},
    {"mkdir", 83, -1, 2, false, false},
    {"rmdir", 84, -1, 1, false, false},
    {"unlink", 87, -1, 1, false, false},
    {"readlink", 89, -1, 3, false, false},
    {"chmod", 90, -1, 2, false, false},
    {"chown", 92, -1, 3, false, false},
    {"gettimeofday", 96, 169, 2, false, false},
    {"getrusage", 98, 165, 2, false, false},
    {"ptrace", 101, 117, 4, false, false},
    {"syslog", 103, 116, 3, false, false},
    {"rt_sigaction", 13, 134, 4, false, false},
    {"rt_sigprocmask", 14, 135, 4, false, false},
    {"rt_sigtimedwait", 128, 137, 4, false, true},
    {"rt_sigsuspend", 130, 133, 2, false, true},
    {"statfs", 137, 43, 2, false, false},
    {"fstatfs", 138, 44, 2, true, false},
    {"mlock", 149, 228, 2, false, false},
    {"prctl", 157, 167, 5, false, false},
    {"sync", 162, 81, 0, false, false},
    {"mount", 165, 40, 5, false, false},
    {"gettid", 186, 178, 0, false, false},
    {"readahead", 187, 213, 3, true, false},
    {"futex", 202, 98, 6, false, false},
    {"sched_setaffinity", 203, 122, 3, false, false},
    {"sched_getaffinity", 204, 123, 3, false, false},
    {"io_getevents", 208, 4, 5, false, true},
    {"io_submit", 209, 2, 3, false, false},
    {"epoll_create1", 291, 20, 1, false, false},
    {"epoll_ctl", 233, 21, 4, true, false},
    {"epoll_wait", 232, -1, 4, false, true},
    {"epoll_pwait", 281, 22, 6, false, true},
    {"epoll_pwait2", 441, 441, 6, false, true},
    {"fadvise64", 221, 223, 4, true, false},
    {"clock_gettime", 228, 113, 2, false, false},
    {"clock_nanosleep", 230, 115, 4, false, false},
    {"exit_group", 231, 94, 1, false, false},
    {"tgkill", 234, 131, 3, false, false},
    {"waitid", 247, 95, 5, false, false},
    {"inotify_add_watch", 254, 27, 3, true, false},
    {"openat", 257, 56, 4, false, false},
    {"mkdirat", 258, 34, 3, false, false},
    {"newfstatat", 262, 79, 4, false, false},
    {"unlinkat", 263, 35, 3, false, false},
    {"renameat2", 316, 276, 5, false, false},
    {"readlinkat", 267, 78, 4, false, false},
    {"pselect6", 270, 72, 6, false, false},
    {"ppoll", 271, 73, 5, false, false},
    {"splice", 275, 76, 6, false, false},
    {"tee", 276, 77, 4, false, false},
    {"sync_file_range", 277, 84, 4, true, false},
    {"vmsplice", 278, 75, 4, true, false},
    {"utimensat", 280, 88, 4, false, false},
    {"fallocate", 285, 47, 4, true, false},
    {"accept4", 288, 242, 4, true, false},
    {"eventfd2", 290, 19, 2, false, false},
    {"dup3", 292, 24, 3, true, false},
    {"pipe2", 293, 59, 2, false, false},
    {"preadv", 295, 69, 5, true, false},
    {"pwritev", 296, 70, 5, true, false},
    {"recvmmsg", 299, 243, 5, true, false},
    {"sendmmsg", 307, 269, 4, true, false},
    {"syncfs", 306, 267, 1, true, false},
    {"process_vm_readv", 310, 270, 6, false, false},
    {"getrandom", 318, 278, 3, false, false},
    {"memfd_create", 319, 279, 2, false, false},
    {"membarrier", 324, 283, 3, false, false},
    {"copy_file_range", 326, 285, 6, true, false},
    {"preadv2", 327, 286, 6, true, false},
    {"pwritev2", 328, 287, 6, true, false},
    {"statx", 332, 291, 5, false, false},
    {"io_uring_enter", 426, 426, 6, false, false},
    {"io_uring_setup", 425, 425, 2, false, false},
    {"clone3", 435, 435, 2, false, false},
    {"close_range", 436, 436, 3, false, false},
    {"openat2", 437, 437, 4, false, false},
    {"futex_waitv", 449, 449, 5, false, false},
    {"process_madvise", 440, 440, 5, false, false},
    {"restart_syscall", 219, 128, 0, false, false},
    {"rt_sigreturn", 15, 139, 0, false, false},
    {"timerfd_settime", 286, 86, 4, true, false},
    {"socketpair", 53, 199, 4, false, false},
    {"getsockopt", 55, 209, 5, true, false},
    {"setsockopt", 54, 208, 5, true, false},
    {"userfaultfd", 323, 282, 1, false, false},
};

bool is_x86_64() {
    static const bool is = [] {
        utsname u;
        return uname(&u) != 0 || std::strcmp(u.machine, "x86_64") == 0;
    }();
    return is;
}

const known_call* find_call(int64_t number) {
    if (number < 0) return nullptr;
    for (const known_call& c : kCalls)
        if ((is_x86_64() ? c.x86_64 : c.generic) == number) return &c;
    return nullptr;
}

// A small file of /proc, as much of it as fits; "" when it cannot be read.
std::string slurp(const char* path) {
    char text[1024];
    FILE* f = std::fopen(path, "re");
    if (f == nullptr) return "";
    size_t n = std::fread(text, 1, sizeof text, f);
    std::fclose(f);
    return std::string(text, n);
}

// Sizes, descriptors and small negative numbers as such, addresses in hexadecimal.
std::string argument_text(uint64_t value) {
    constexpr uint64_t kMostDecimal = 99'999'999;
    char text[32];
    auto low = int32_t(value);
    bool is_negative = low < 0 && low > -4096 && (value == uint32_t(low) || value == uint64_t(int64_t(low)));
    if (value <= kMostDecimal || is_negative)
        std::snprintf(text, sizeof text, "%" PRId32, low);
    else
        std::snprintf(text, sizeof text, "0x%" PRIx64, value);
    return text;
}

}  // namespace

kernel_look look_at_thread(uint32_t pid, uint64_t tid) {
    kernel_look look;
    char path[96];
    auto file = [&](const char* name) {
        std::snprintf(path, sizeof path, "/proc/%u/task/%" PRIu64 "/%s", pid, tid, name);
        return slurp(path);
    };
    std::string stat = file("stat");
    size_t behind_name = stat.rfind(')');
    if (behind_name != std::string::npos && behind_name + 2 < stat.size()) look.state = stat[behind_name + 2];
    std::string call = file("syscall");
    if (call.empty()) return look;
    look.known = true;
    if (call.starts_with("running")) {
        look.is_running = true;
        return look;
    }
    uint64_t* a = look.arguments;
    if (std::sscanf(call.c_str(), "%" SCNd64 " %" SCNx64 " %" SCNx64 " %" SCNx64 " %" SCNx64 " %" SCNx64 " %" SCNx64,
                    &look.call, &a[0], &a[1], &a[2], &a[3], &a[4], &a[5]) < 1)
        look.known = false;
    std::string wchan = file("wchan");
    if (wchan != "0") look.sleeps_in = wchan;
    return look;
}

std::string syscall_name(int64_t number) {
    const known_call* c = find_call(number);
    return c != nullptr ? c->name : "syscall " + std::to_string(number);
}

std::string syscall_text(const kernel_look& look, uint32_t pid) {
    const known_call* c = find_call(look.call);
    std::string text = syscall_name(look.call) + "(";
    int n = c != nullptr ? c->arguments : 6;
    for (int i = 0; i < n; i++) {
        if (i != 0) text += ", ";
        text += argument_text(look.arguments[i]);
        if (i != 0 || c == nullptr || !c->takes_fd) continue;
        char path[64], to[256];
        std::snprintf(path, sizeof path, "/proc/%u/fd/%" PRIu64, pid, look.arguments[0]);
        if (ssize_t bytes = readlink(path, to, sizeof to); bytes > 0) text += " " + std::string(to, size_t(bytes));
    }
    return text + ")";
}

bool syscall_minds_a_stop(int64_t number) {
    const known_call* c = find_call(number);
    return c != nullptr && c->minds_a_stop;
}

}  // namespace insp
