// SPDX-License-Identifier: BSL-1.0
// go of an empty function is fatal in the creator, and nothing recovers it [G9].
#include <gossamer/go.h>

#include <functional>

using namespace gossamer;

int main() {
    return run([] {
        std::function<void()> nothing;
        try {
            go(nothing);
        } catch (...) {
        }
        return 0;
    });
}
