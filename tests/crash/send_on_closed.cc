// SPDX-License-Identifier: BSL-1.0
// A send on a closed channel panics [CH10].
#include <gossamer/chan.h>
#include <gossamer/go.h>

using namespace gossamer;

int main() {
    return run([] {
        chan<int> c(4);
        c.close();
        c.send(1);
        return 0;
    });
}
