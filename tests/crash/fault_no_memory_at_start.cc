// SPDX-License-Identifier: BSL-1.0
// Not one mapping is to be had when the runtime starts: it says so.
#include <gossamer/go.h>

#include "../support/refuse.h"

int main() {
    tests::refuse({{SYS_mmap, ENOMEM}});
    gossamer::run([] {});
    return 0;
}
