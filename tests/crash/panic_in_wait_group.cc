// SPDX-License-Identifier: BSL-1.0
// A panic in a function of a wait group does not count as done: nobody slips out of wait() before the process has died [WG5].
#include <gossamer/go.h>
#include <gossamer/panic.h>
#include <gossamer/wait_group.h>

#include <cstdio>

using namespace gossamer;

int main() {
    return run([] {
        wait_group group;
        group.go([] { throw panic("half done"); });
        group.wait();
        std::puts("slipped out");
        std::fflush(stdout);
        return 0;
    });
}
