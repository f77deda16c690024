// SPDX-License-Identifier: BSL-1.0
#include <fcntl.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <new>

#include "runtime/os/os.h"

namespace gossamer::rt::os {

namespace {

struct start_info {
    void (*main)(void*);
    void* arg;
    char name[16];
};

void* trampoline(void* p) {
    start_info info = *static_cast<start_info*>(p);
    delete static_cast<start_info*>(p);
    pthread_setname_np(pthread_self(), info.name);
    info.main(info.arg);
    return nullptr;
}

}  // namespace

int start_thread(void (*main)(void*), void* arg, const char* name) {
    auto* info = new (std::nothrow) start_info{main, arg, {}};
    if (info == nullptr) return ENOMEM;
    for (size_t i = 0; i + 1 < sizeof info->name && name[i] != 0; i++) info->name[i] = name[i];
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attr, 256 << 10);
    pthread_t thread;
    int failed;
    // What is refused for want of a number, or under a limit that others use up too, may be had a moment later: as Go does, ask 20 times
    // in 200 ms.
    for (unsigned tries = 0; (failed = pthread_create(&thread, &attr, trampoline, info)) == EAGAIN && tries < 20;)
        nap_ns(++tries * 1'000'000);
    pthread_attr_destroy(&attr);
    if (failed != 0) delete info;
    return failed;
}

uint64_t thread_id() { return uint64_t(syscall(SYS_gettid)); }

clockid_t thread_cpu_clock() {
    clockid_t clock;
    return pthread_getcpuclockid(pthread_self(), &clock) == 0 ? clock : CLOCK_THREAD_CPUTIME_ID;
}

void set_timer_slack_ns(uint64_t ns) { prctl(PR_SET_TIMERSLACK, ns); }

range thread_stack() {
    pthread_attr_t attr;
    range r{nullptr, 0};
    if (pthread_getattr_np(pthread_self(), &attr) != 0) return r;
    pthread_attr_getstack(&attr, &r.base, &r.bytes);
    pthread_attr_destroy(&attr);
    return r;
}

uint64_t own_stat(unsigned field) {
    char text[1024];
    int fd = ::open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
    if (fd < 0) return 0;
    ssize_t n = ::read(fd, text, sizeof text - 1);
    ::close(fd);
    if (n <= 0) return 0;
    text[n] = 0;
    const char* at = strrchr(text, ')');  // the second stands in parentheses and may hold anything
    for (unsigned i = 2; at != nullptr && i < field; i++) at = strchr(at + 1, ' ');
    return at != nullptr ? strtoull(at, nullptr, 10) : 0;
}

}  // namespace gossamer::rt::os
