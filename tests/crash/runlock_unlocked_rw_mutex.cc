// SPDX-License-Identifier: BSL-1.0
// A rw_mutex that no reader holds cannot be unlocked for one: fatal, in Go's words [RW6].
#include <gossamer/go.h>
#include <gossamer/rw_mutex.h>

using namespace gossamer;

int main() {
    return run([] {
        rw_mutex m;
        m.unlock_shared();
        return 0;
    });
}
