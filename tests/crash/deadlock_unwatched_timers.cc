// SPDX-License-Identifier: BSL-1.0
// A channel timer that nobody waits for is no pending work, and a ticker that somebody once waited for stops being it [TM14, DL3].
#include <gossamer/chan.h>
#include <gossamer/context.h>
#include <gossamer/go.h>
#include <gossamer/time.h>

#include <chrono>
#include <cstdio>

using namespace gossamer;
using namespace std::chrono_literals;

int main() {
    return run([] {
        timer t(1h);
        ticker slow(1h);
        ticker quick(1ms);
        quick.c.recv();
        auto [ctx, cancel] = with_timeout(background(), 1h);
        cancel();
        std::puts("ticked");
        std::fflush(stdout);
        chan<int> c;
        c.recv();
        return 0;
    });
}
