// SPDX-License-Identifier: BSL-1.0
// Main leaves by goexit, and who is left waits for ever [G15, DL1].
#include <gossamer/chan.h>
#include <gossamer/go.h>

using namespace gossamer;

int main() {
    return run([] {
        chan<int> c;
        go([=] { c.recv(); });
        goexit();
        return 0;
    });
}
