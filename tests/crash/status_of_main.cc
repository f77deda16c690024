// SPDX-License-Identifier: BSL-1.0
// What main returns is the status, and other goroutines are cut off [G6].
#include <gossamer/chan.h>
#include <gossamer/defer.h>
#include <gossamer/go.h>

#include <cstdio>

using namespace gossamer;

int main() {
    return run([] {
        chan<int> c, started;
        go([=] {
            defer d{[] { std::puts("never"); }};
            started.send(1);
            c.recv();
        });
        started.recv();
        return 7;
    });
}
