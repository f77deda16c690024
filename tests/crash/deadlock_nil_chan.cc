// SPDX-License-Identifier: BSL-1.0
// Main receives from a nil channel [CH8, DL1].
#include <gossamer/chan.h>
#include <gossamer/go.h>

using namespace gossamer;

int main() {
    return run([] {
        chan<int> none(nil);
        none.recv();
        return 0;
    });
}
