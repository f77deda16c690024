// SPDX-License-Identifier: BSL-1.0
// A rw_mutex that no writer holds cannot be unlocked: fatal, in Go's words [RW6].
#include <gossamer/go.h>
#include <gossamer/rw_mutex.h>

using namespace gossamer;

int main() {
    return run([] {
        rw_mutex m;
        m.unlock();
        return 0;
    });
}
