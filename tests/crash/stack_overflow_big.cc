// SPDX-License-Identifier: BSL-1.0
// What overflows a big stack is told as any other, in the name of the goroutine that asked for it.
#include <gossamer/big_stack.h>
#include <gossamer/chan.h>
#include <gossamer/go.h>

#include "../support/recurse.h"

using namespace gossamer;

int main() {
    return run([] {
        chan<int> c;
        go({.name = "deep"}, [] { on_big_stack(1 << 20, [] { return recurse(0); }); });
        c.recv();
        return 0;
    });
}
