// SPDX-License-Identifier: BSL-1.0
// What happens when things go wrong: deferred calls run last first however a block ends, a panic can be caught, an error is a value.
#include <gossamer/chan.h>
#include <gossamer/defer.h>
#include <gossamer/error.h>
#include <gossamer/go.h>
#include <gossamer/panic.h>
#include <gossamer/wait_group.h>

#include <cstdio>
#include <string>

using namespace gossamer;

const error err_no_coffee("there is no coffee");

error brew(int cups) {
    if (cups > 2) return wrap(err_no_coffee, "brewing cup {}", cups);
    return {};
}

// Each of the three stops the function in its own way; the deferred calls run in all of them.
void work(const char* how) {
    defer first{[] { std::printf("  tidied up last\n"); }};
    defer second{[] { std::printf("  tidied up first\n"); }};
    std::printf("%s\n", how);
    if (how == std::string("panic")) {
        chan<int> closed;
        closed.close();
        closed << 1;
    }
    if (how == std::string("goexit")) goexit();
    std::printf("  came to the end\n");
}

int main() {
    return run([] {
        for (const char* how : {"return", "panic", "goexit"}) {
            wait_group done;
            done.go([how] {
                try {
                    work(how);
                } catch (const panic& p) {
                    std::printf("  caught: %s\n", p.what());
                }
            });
            done.wait();
        }
        for (int cups = 2; cups <= 3; ++cups) {
            error err = brew(cups);
            std::printf("%d cups: %s%s\n", cups, err ? err.message().c_str() : "fine",
                        errors::is(err, err_no_coffee) ? ", time to go home" : "");
        }
        return 0;
    });
}
