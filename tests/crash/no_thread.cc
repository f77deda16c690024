// SPDX-License-Identifier: BSL-1.0
// When the system gives no more threads the runtime says so and dies; it does not hang with goroutines that nobody runs.
#include <dlfcn.h>
#include <gossamer/blocking.h>
#include <gossamer/chan.h>
#include <gossamer/go.h>
#include <pthread.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>

using namespace gossamer;

static std::atomic<bool> exhausted{false};

// Stands before the C library's: a limit that the kernel sets would not hold for root.
extern "C" int pthread_create(pthread_t* thread, const pthread_attr_t* attr, void* (*main)(void*), void* arg) noexcept {
    static auto real = reinterpret_cast<decltype(&pthread_create)>(dlsym(RTLD_NEXT, "pthread_create"));
    return exhausted ? EAGAIN : real(thread, attr, main, arg);
}

int main() {
    return run([] {
        chan<int> c;
        exhausted = true;
        for (int i = 0; i < 64; i++) go([] { blocking([] { pause(); }); });
        c.recv();
        return 0;
    });
}
