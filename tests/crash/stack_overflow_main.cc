// SPDX-License-Identifier: BSL-1.0
// The same in the main goroutine.
#include <gossamer/go.h>

using namespace gossamer;

[[gnu::noinline]] static int recurse(int n) {
    volatile char room[200];
    room[0] = char(n);
    return n < 0 ? 0 : recurse(n + 1) + room[0];
}

int main() {
    return run([] { return recurse(0); });
}
