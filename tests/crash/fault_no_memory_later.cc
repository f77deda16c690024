// SPDX-License-Identifier: BSL-1.0
// mmap fails from some moment on: what stacks and threads there are run on, and who needs a new mapping is told in words.
#include <gossamer/go.h>

#include "../support/everything.h"
#include "../support/refuse.h"

int main() {
    return gossamer::run([] {
        tests::do_everything();
        tests::refuse({{SYS_mmap, ENOMEM}});
        gossamer::chan<int> c;
        int sum = 0;
        for (int i = 0; i < 500; i++) gossamer::go([c] { c.send(1); });
        for (int i = 0; i < 500; i++) sum += *c.recv();
        std::printf("sum %d\n", sum);
        std::fflush(stdout);
        gossamer::go({.stack = 60 << 20}, [c] { c.send(1); });
        c.recv();
        return 0;
    });
}
