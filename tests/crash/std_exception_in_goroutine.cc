// SPDX-License-Identifier: BSL-1.0
// An exception of the standard library that leaves a goroutine is told by type and text [G7, P9].
#include <gossamer/chan.h>
#include <gossamer/go.h>

#include <stdexcept>

using namespace gossamer;

int main() {
    return run([] {
        chan<int> c;
        go({.name = "thrower"}, [] { throw std::out_of_range("index 7"); });
        c.recv();
        return 0;
    });
}
