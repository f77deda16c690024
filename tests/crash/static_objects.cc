// SPDX-License-Identifier: BSL-1.0
// Static objects use the library in their constructors, before main, and in their destructors, after it; goroutines run all the while.
#include <gossamer/go.h>
#include <gossamer/runtime.h>

#include "../support/everything.h"

using namespace gossamer;

struct early_and_late {
    chan<int> pipe{16};
    chan<int> sum;
    early_and_late() {
        for (int i = 0; i < 500; i++) go([p = pipe] { p.send(1); });
        int n = 0;
        for (int i = 0; i < 500; i++) n += *pipe.recv();
        std::printf("before main: %d\n", n);
        go([in = pipe, out = sum] {
            int total = 0;
            for (int v : in) total += v;
            out.send(total);
        });
    }
    ~early_and_late() {
        run([] { tests::do_everything(10, "after main: "); });
        for (int i = 0; i < 500; i++) go([p = pipe] { p.send(1); });
        while (runtime::num_goroutines() > 1) yield();
        pipe.close();
        std::printf("static object gone: %d\n", *sum.recv());
    }
};
static early_and_late object;

int main() {
    return run([] {
        std::puts("main");
        return 0;
    });
}
