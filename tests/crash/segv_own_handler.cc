// SPDX-License-Identifier: BSL-1.0
// A fault that is no overflow reaches the handler that the program had installed before.
#include <gossamer/go.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>

using namespace gossamer;

int main() {
    struct sigaction mine = {};
    mine.sa_sigaction = [](int, siginfo_t* info, void*) {
        _exit(info->si_addr == reinterpret_cast<void*>(uintptr_t(64)) ? 9 : 1);
    };
    mine.sa_flags = SA_SIGINFO;
    sigaction(SIGSEGV, &mine, nullptr);
    return run([] {
        auto* nowhere = reinterpret_cast<volatile int*>(uintptr_t(64));
        asm volatile("" : "+r"(nowhere));  // the compiler must not know
        return *nowhere;
    });
}
