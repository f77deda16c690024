// SPDX-License-Identifier: BSL-1.0
// wrong: the end of a long run in which something did not hold. For programs without the test harness.
#pragma once

#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>

namespace tests {

[[noreturn, gnu::format(printf, 1, 2)]] inline void wrong(const char* format, ...) {
    va_list args;
    va_start(args, format);
    std::fprintf(stderr, "%s: ", program_invocation_short_name);
    std::vfprintf(stderr, format, args);
    std::fprintf(stderr, "\n");
    std::abort();  // with a dump of all goroutines
}

}  // namespace tests
