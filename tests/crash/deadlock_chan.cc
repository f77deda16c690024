// SPDX-License-Identifier: BSL-1.0
// Main and two goroutines wait on channels that nobody serves [DL1].
#include <gossamer/chan.h>
#include <gossamer/go.h>

using namespace gossamer;

int main() {
    return run([] {
        chan<int> a, b;
        go({.name = "sender"}, [=] { b.send(1); });
        go([=] { a.recv(); });
        a.recv();
        return 0;
    });
}
