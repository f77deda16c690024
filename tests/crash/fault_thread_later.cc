// SPDX-License-Identifier: BSL-1.0
// The system refuses a thread now and then: the runtime asks again for a while, and nothing is lost.
#include <dlfcn.h>
#include <gossamer/go.h>
#include <pthread.h>

#include <atomic>
#include <cerrno>

#include "../support/everything.h"

static std::atomic<int> asked{0}, refused{0};

// Stands before the C library's: of four calls three fail.
extern "C" int pthread_create(pthread_t* thread, const pthread_attr_t* attr, void* (*main)(void*), void* arg) noexcept {
    static auto real = reinterpret_cast<decltype(&pthread_create)>(dlsym(RTLD_NEXT, "pthread_create"));
    if (asked++ % 4 != 3) return refused++, EAGAIN;
    return real(thread, attr, main, arg);
}

int main() {
    return gossamer::run([] {
        tests::do_everything();
        std::printf("%s\n", refused > 9 ? "many were refused" : "few were refused");
        return 0;
    });
}
