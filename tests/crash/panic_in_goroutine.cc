// SPDX-License-Identifier: BSL-1.0
// A panic that nobody recovers runs the deferred calls of its goroutine and ends the process [G7, D12].
#include <gossamer/chan.h>
#include <gossamer/defer.h>
#include <gossamer/go.h>
#include <gossamer/panic.h>

#include <cstdio>

using namespace gossamer;

[[gnu::noinline]] static void where_it_happens() { throw panic("out of cheese"); }

static void worker() {
    defer d{[] {
        std::puts("deferred");
        std::fflush(stdout);
    }};
    where_it_happens();
}

int main() {
    return run([] {
        chan<int> c;
        go({.name = "worker"}, worker);
        c.recv();
        return 0;
    });
}
