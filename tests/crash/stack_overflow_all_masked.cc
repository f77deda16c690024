// SPDX-License-Identifier: BSL-1.0
// With SIGSEGV itself blocked the kernel runs no handler and ends the process: nobody can say anything.
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
            pthread_sigmask(SIG_SETMASK, &mask, nullptr);
            recurse(0);
        });
        c.recv();
        return 0;
    });
}
