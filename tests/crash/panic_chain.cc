// SPDX-License-Identifier: BSL-1.0
// A panic made while another was handled: the report lists both [P6].
#include <gossamer/go.h>
#include <gossamer/panic.h>

using namespace gossamer;

int main() {
    return run([] {
        try {
            throw panic("first");
        } catch (const panic&) {
            throw panic("second");
        }
        return 0;
    });
}
