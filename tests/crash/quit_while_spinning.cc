// SPDX-License-Identifier: BSL-1.0
// SIGQUIT prints every goroutine although all Ps spin in loops without calls [D6, D11].
#include <gossamer/chan.h>
#include <gossamer/go.h>
#include <gossamer/runtime.h>

#include <atomic>
#include <cstdio>

using namespace gossamer;

static void spin(std::atomic<unsigned>* running) {
    running->fetch_add(1);
    for (;;) asm volatile("");
}

int main() {
    return run([] {
        static std::atomic<unsigned> running{0};
        chan<int> c;
        go({.name = "waiter"}, [=] { c.recv(); });
        for (int i = 0; i < 10; i++) yield();
        unsigned procs = runtime::procs();
        for (unsigned i = 0; i < procs; i++) go({.name = "spinner"}, spin, &running);
        while (running.load() < procs) yield();
        std::puts("ready");
        std::fflush(stdout);
        spin(&running);
        return 0;
    });
}
