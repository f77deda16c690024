// SPDX-License-Identifier: BSL-1.0
// SIGQUIT to a program that sleeps [D11, SG3].
#include <gossamer/debug.h>
#include <gossamer/go.h>
#include <gossamer/time.h>

#include <chrono>
#include <cstdio>

using namespace gossamer;
using namespace std::chrono_literals;

int main() {
    return run([] {
        go([] {
            while (runtime::stack_dump().find("[sleep] {name: main}") == std::string::npos) yield();
            std::puts("ready");
            std::fflush(stdout);
        });
        sleep(1h);
        return 0;
    });
}
