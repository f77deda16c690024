// SPDX-License-Identifier: BSL-1.0
// Main waits in a select whose channels nobody serves [SE5, DL1].
#include <gossamer/chan.h>
#include <gossamer/go.h>
#include <gossamer/select.h>

using namespace gossamer;

int main() {
    return run([] {
        chan<int> a, b;
        select(recv(a), send(b, 1));
        return 0;
    });
}
