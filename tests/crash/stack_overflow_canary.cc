// SPDX-License-Identifier: BSL-1.0
// Without guards a stack that grew over its low end is found by its canary when its goroutine next waits [G10].
#include <gossamer/chan.h>
#include <gossamer/go.h>
#include <gossamer/time.h>

#include <chrono>
#include <cstdio>

using namespace gossamer;

static const char* first;

// Goes down until it is below the 48 KiB that there are, and writes each frame.
[[gnu::noinline]] static int go_down() {
    volatile char room[256];
    for (volatile char& c : room) c = 1;
    const char* here = const_cast<const char*>(room);
    return first - here > (52 << 10) ? room[0] : go_down() + room[0];
}

int main() {
    return run([] {
        chan<int> c;
        go({.name = "deep", .stack = 48 << 10}, [c] {
            char top = 0;
            first = &top;
            go_down();
            sleep(std::chrono::milliseconds(1));
            std::puts("went unnoticed");
            c.send(0);
        });
        c.recv();
        return 0;
    });
}
