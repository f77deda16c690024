// SPDX-License-Identifier: BSL-1.0
// Nobody will say done [DL1].
#include <gossamer/go.h>
#include <gossamer/wait_group.h>

using namespace gossamer;

int main() {
    return run([] {
        wait_group group;
        group.add(1);
        group.wait();
        return 0;
    });
}
