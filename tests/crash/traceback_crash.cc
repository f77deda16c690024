// SPDX-License-Identifier: BSL-1.0
// GOTRACEBACK=crash ends by SIGABRT, for a core [D1].
#include <gossamer/go.h>
#include <gossamer/panic.h>

int main() {
    return gossamer::run([] {
        throw gossamer::panic("for the core");
        return 0;
    });
}
