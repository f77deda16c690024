// SPDX-License-Identifier: BSL-1.0
// A fault that is no overflow meets the default: the process ends by the signal, as without us.
#include <gossamer/go.h>

using namespace gossamer;

int main() {
    return run([] {
        volatile int* nowhere = nullptr;
        asm volatile("" : "+r"(nowhere));  // the compiler must not know
        return *nowhere;
    });
}
