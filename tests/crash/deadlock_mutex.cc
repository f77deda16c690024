// SPDX-License-Identifier: BSL-1.0
// A mutex is locked twice by its holder [MU2, DL1].
#include <gossamer/go.h>
#include <gossamer/mutex.h>

using namespace gossamer;

int main() {
    return run([] {
        mutex m;
        m.lock();
        m.lock();
        return 0;
    });
}
