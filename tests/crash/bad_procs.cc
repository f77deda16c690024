// SPDX-License-Identifier: BSL-1.0
// An environment variable that cannot be used is named with its value.
#include <gossamer/go.h>

int main() {
    return gossamer::run([] { return 0; });
}
