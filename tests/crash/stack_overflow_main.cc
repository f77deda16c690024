// SPDX-License-Identifier: BSL-1.0
// The same in the main goroutine.
#include <gossamer/go.h>

#include "../support/recurse.h"

using namespace gossamer;

int main() {
    return run([] { return recurse(0); });
}
