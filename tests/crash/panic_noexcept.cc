// SPDX-License-Identifier: BSL-1.0
// noexcept is an uncaught panic with the same report [P9].
#include <gossamer/go.h>
#include <gossamer/panic.h>

using namespace gossamer;

[[gnu::noinline]] static void break_promise() { throw panic("broke its promise"); }
[[gnu::noinline]] static void promises() noexcept { break_promise(); }

int main() {
    return run([] {
        promises();
        return 0;
    });
}
