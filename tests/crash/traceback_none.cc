// SPDX-License-Identifier: BSL-1.0
// GOTRACEBACK=none prints the value and nothing else [D1].
#include <gossamer/go.h>
#include <gossamer/panic.h>

int main() {
    return gossamer::run([] {
        throw gossamer::panic("quiet");
        return 0;
    });
}
