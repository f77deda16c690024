// SPDX-License-Identifier: BSL-1.0
// A deferred call panics while a panic is on its way: both are told, and it is no silent terminate [P6, P10].
#include <gossamer/defer.h>
#include <gossamer/go.h>
#include <gossamer/panic.h>

using namespace gossamer;

int main() {
    return run([] {
        defer d{[] { throw panic("second"); }};
        throw panic("first");
        return 0;
    });
}
