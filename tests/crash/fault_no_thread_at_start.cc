// SPDX-License-Identifier: BSL-1.0
// No thread at all: the start says so, and does not hang.
#include <gossamer/go.h>

#include "../support/refuse.h"

int main() {
    tests::refuse({{SYS_clone3, ENOSYS}, {SYS_clone, EAGAIN}});
    gossamer::run([] {});
    return 0;
}
