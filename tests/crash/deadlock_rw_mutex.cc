// SPDX-License-Identifier: BSL-1.0
// A writer waits for a reader that is itself [RW2, DL1].
#include <gossamer/go.h>
#include <gossamer/rw_mutex.h>

using namespace gossamer;

int main() {
    return run([] {
        rw_mutex m;
        m.lock_shared();
        m.lock();
        return 0;
    });
}
