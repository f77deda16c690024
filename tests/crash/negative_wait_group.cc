// SPDX-License-Identifier: BSL-1.0
// A wait group's count cannot be negative [WG2].
#include <gossamer/go.h>
#include <gossamer/wait_group.h>

using namespace gossamer;

int main() {
    return run([] {
        wait_group group;
        group.done();
        return 0;
    });
}
