// SPDX-License-Identifier: BSL-1.0
// While a timer is pending nothing is reported; after the last one it is [DL3, DL4].
#include <gossamer/chan.h>
#include <gossamer/go.h>
#include <gossamer/time.h>

#include <chrono>
#include <cstdio>

using namespace gossamer;
using namespace std::chrono_literals;

int main() {
    return run([] {
        sleep(300ms);
        std::puts("slept");
        std::fflush(stdout);
        chan<int> c;
        c.recv();
        return 0;
    });
}
