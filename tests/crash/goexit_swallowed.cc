// SPDX-License-Identifier: BSL-1.0
// catch (...) must not keep a goroutine alive that called goexit [P10].
#include <gossamer/chan.h>
#include <gossamer/go.h>

#include <cstdio>

using namespace gossamer;

int main() {
    return run([] {
        chan<int> c;
        go([=] {
            try {
                goexit();
            } catch (...) {
            }
            std::puts("still alive");
            std::fflush(stdout);
            c.send(1);
        });
        c.recv();
        return 0;
    });
}
