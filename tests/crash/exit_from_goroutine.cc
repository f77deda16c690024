// SPDX-License-Identifier: BSL-1.0
// std::exit in any goroutine ends the process at once, with its status; no goroutine's deferred calls run [G17].
#include <gossamer/chan.h>
#include <gossamer/defer.h>
#include <gossamer/go.h>

#include <cstdio>
#include <cstdlib>

using namespace gossamer;

int main() {
    return run([] {
        defer out{[] { std::puts("never: main's deferred call"); }};
        chan<int> c;
        go([] {
            defer out{[] { std::puts("never: the goroutine's own deferred call"); }};
            std::exit(5);
        });
        c.recv();
        return 0;
    });
}
