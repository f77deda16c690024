// SPDX-License-Identifier: BSL-1.0
// More blocked threads than GOSSAMER_MAX_THREADS allows is fatal, with the limit named [RT6].
#include <gossamer/blocking.h>
#include <gossamer/chan.h>
#include <gossamer/go.h>
#include <unistd.h>

using namespace gossamer;

int main() {
    return run([] {
        chan<int> c;
        for (int i = 0; i < 64; i++) go([] { blocking([] { pause(); }); });
        c.recv();
        return 0;
    });
}
