// SPDX-License-Identifier: BSL-1.0
// A wait for a signal that nobody can send is a deadlock [DL1].
#include <gossamer/cond.h>
#include <gossamer/go.h>
#include <gossamer/mutex.h>

using namespace gossamer;

int main() {
    return run([] {
        mutex m;
        cond never(m);
        m.lock();
        never.wait();
        return 0;
    });
}
