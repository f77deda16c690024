// SPDX-License-Identifier: BSL-1.0
// An overflow where all signals are blocked but those that the code itself causes, as in each thread that wants no signals.
#include <gossamer/chan.h>
#include <gossamer/go.h>
#include <pthread.h>

#include <csignal>

#include "../support/recurse.h"

using namespace gossamer;

int main() {
    return run([] {
        chan<int> c;
        go({.name = "deep", .stack = 64 << 10}, [] {
            sigset_t mask;
            sigfillset(&mask);
            for (int sig : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP}) sigdelset(&mask, sig);
            pthread_sigmask(SIG_SETMASK, &mask, nullptr);
            recurse(0);
        });
        c.recv();
        return 0;
    });
}
