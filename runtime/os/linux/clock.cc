// SPDX-License-Identifier: BSL-1.0
#include <fcntl.h>
#include <unistd.h>

#include <cstring>
#include <ctime>

#include "runtime/arch/cpu.h"
#include "runtime/os/os.h"
#include "runtime/os/tick_clock.h"

namespace gossamer::rt::os {

namespace {

struct cpu_and_kernel {
    static uint64_t ticks() { return arch::cycles(); }
    static int64_t ns() { return now_ns(); }
#if defined(__x86_64__)
    static constexpr uint64_t kSharpTicks = 400;
#else
    static constexpr uint64_t kSharpTicks = 4;
#endif
};

constinit tick_clock<cpu_and_kernel> quick_clock;
thread_local constinit tick_clock<cpu_and_kernel>::look last_look [[gnu::tls_model("initial-exec")]];

// Where the kernel does not use the time stamp counter, those of its CPUs may differ.
#if defined(__x86_64__)
bool kernel_trusts_ticks() {
    char name[8] = {};
    int fd = open("/sys/devices/system/clocksource/clocksource0/current_clocksource", O_RDONLY | O_CLOEXEC);
    if (fd < 0) return false;
    ssize_t n = read(fd, name, sizeof name);
    close(fd);
    return n == 4 && std::memcmp(name, "tsc\n", 4) == 0;
}
#else
bool kernel_trusts_ticks() { return true; }  // the generic timer is the kernel's own source
#endif

}  // namespace

int64_t now_ns() {
    timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return int64_t(t.tv_sec) * 1'000'000'000 + t.tv_nsec;
}

int64_t quick_now_ns() { return quick_clock.now(last_look); }

void start_quick_clock() {
    if (kernel_trusts_ticks()) quick_clock.trust();
}

int64_t thread_cpu_ns(clockid_t clock) {
    timespec t;
    if (clock_gettime(clock, &t) != 0) return -1;
    return int64_t(t.tv_sec) * 1'000'000'000 + t.tv_nsec;
}

}  // namespace gossamer::rt::os
