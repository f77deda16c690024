// SPDX-License-Identifier: BSL-1.0
// A recursion without end in a goroutine is named, with goroutine, size, frames and creator [G10, G18].
#include <gossamer/chan.h>
#include <gossamer/go.h>

#include "../support/recurse.h"

using namespace gossamer;

int main() {
    return run([] {
        chan<int> c;
        go({.name = "deep", .stack = 64 << 10}, [] { recurse(0); });
        c.recv();
        return 0;
    });
}
