// SPDX-License-Identifier: BSL-1.0
// A mutex that is not locked cannot be unlocked: fatal, in Go's words [MU3].
#include <gossamer/go.h>
#include <gossamer/mutex.h>

using namespace gossamer;

int main() {
    return run([] {
        mutex m;
        try {
            m.unlock();
        } catch (...) {  // it is no panic [G18]
        }
        return 0;
    });
}
