// SPDX-License-Identifier: BSL-1.0
// Main leaves by goexit; the program runs on until the last goroutine has ended [G15].
#include <gossamer/chan.h>
#include <gossamer/go.h>

#include <cstdio>

using namespace gossamer;

int main() {
    return run([] {
        go([] {
            for (int i = 0; i < 10; i++) yield();
            std::puts("the other one ran");
            std::fflush(stdout);
        });
        goexit();
        return 0;
    });
}
