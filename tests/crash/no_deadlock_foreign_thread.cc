// SPDX-License-Identifier: BSL-1.0
// A thread that the runtime has never seen may still call in: all asleep is no deadlock while it lives [DL3].
#include <gossamer/chan.h>
#include <gossamer/go.h>

#include <chrono>
#include <cstdio>
#include <thread>

using namespace gossamer;
using namespace std::chrono_literals;

int main() {
    chan<int> c;
    std::jthread later([=] {
        std::this_thread::sleep_for(
            500ms);  // what the test is about: longer than the monitor needs to look at a world at rest
        c.send(7);
    });
    return run([=] {
        std::printf("%d\n", *c.recv());
        return 0;
    });
}
