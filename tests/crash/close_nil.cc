// SPDX-License-Identifier: BSL-1.0
// A nil channel cannot be closed [CH8].
#include <gossamer/chan.h>
#include <gossamer/go.h>

using namespace gossamer;

int main() {
    return run([] {
        chan<int> c(nil);
        c.close();
        return 0;
    });
}
