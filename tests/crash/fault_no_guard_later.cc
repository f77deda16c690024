// SPDX-License-Identifier: BSL-1.0
// The kernel has no memory for another guard: the stack gets a canary, that is said once, and the work goes on.
#include <gossamer/go.h>

#include "../support/everything.h"
#include "../support/refuse.h"

int main() {
    return gossamer::run([] {
        tests::do_everything();
        tests::refuse({{SYS_process_madvise, ENOMEM}, {SYS_madvise, ENOMEM}});
        gossamer::chan<int> c;
        int sum = 0;
        for (int i = 0; i < 10; i++) gossamer::go({.stack = 1 << 20}, [c, i] { c.send(i); });
        for (int i = 0; i < 10; i++) sum += *c.recv();
        std::printf("sum %d\n", sum);
        tests::do_everything();
        return 0;
    });
}
