// SPDX-License-Identifier: BSL-1.0
// The second close of a channel panics [CH10].
#include <gossamer/chan.h>
#include <gossamer/go.h>

using namespace gossamer;

int main() {
    return run([] {
        chan<int> c;
        c.close();
        c.close();
        return 0;
    });
}
