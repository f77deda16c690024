// SPDX-License-Identifier: BSL-1.0
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
