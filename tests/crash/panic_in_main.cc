// SPDX-License-Identifier: BSL-1.0
// A panic with a value that is no text, in the main goroutine [G7, P8].
#include <gossamer/go.h>
#include <gossamer/panic.h>

using namespace gossamer;

int main() {
    return run([] {
        throw panic(42);
        return 0;
    });
}
