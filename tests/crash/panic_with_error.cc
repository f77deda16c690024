// SPDX-License-Identifier: BSL-1.0
// A panic with an error prints its message [P8].
#include <gossamer/error.h>
#include <gossamer/go.h>
#include <gossamer/panic.h>

using namespace gossamer;

int main() {
    return run([] {
        throw panic(wrap(error("no such luck"), "trying {} times", 3));
        return 0;
    });
}
