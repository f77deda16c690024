// SPDX-License-Identifier: BSL-1.0
// The main thread is no goroutine and waits for ever, and so does the only goroutine [DL1].
#include <gossamer/chan.h>
#include <gossamer/go.h>

using namespace gossamer;

int main() {
    chan<int> a, b;
    go([=] { b.recv(); });
    a.recv();
}
