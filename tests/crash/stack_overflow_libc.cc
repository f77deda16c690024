// SPDX-License-Identifier: BSL-1.0
// The C library recurses until the stack is full (regcomp, into ten thousands of parentheses): told as any overflow, with who called it.
#include <gossamer/chan.h>
#include <gossamer/go.h>
#include <regex.h>

#include <string>

using namespace gossamer;

[[gnu::noinline]] static void ask_for_trouble() {
    regex_t compiled;
    int failed = regcomp(&compiled, std::string(50'000, '(').c_str(), REG_EXTENDED);
    volatile int after = failed;  // a call, not a jump: the frame stays
    (void)after;
}

int main() {
    return run([] {
        chan<int> c;
        go({.name = "parser", .stack = 64 << 10}, [] { ask_for_trouble(); });
        c.recv();
        return 0;
    });
}
