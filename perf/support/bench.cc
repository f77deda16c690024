// SPDX-License-Identifier: BSL-1.0

#include "perf/support/bench.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace perf {

namespace {

[[noreturn]] void usage(std::span<const row> rows, const char* options) {
    std::fprintf(stderr, "usage: PROG%s WORKLOAD PROCS [N]\nworkloads:", options);
    for (const row& r : rows) std::fprintf(stderr, " %s", r.name);
    std::fprintf(stderr, "\n");
    std::exit(kUsageStatus);
}

std::int64_t positive(const char* text) {
    char* end = nullptr;
    errno = 0;
    long long v = std::strtoll(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || v < 1) {
        std::fprintf(stderr, "'%s' is not a positive number\n", text);
        std::exit(kUsageStatus);
    }
    return v;
}

}  // namespace

int bench_main(int argc, char** argv, std::span<const row> rows, void (*start)(const row& r, bench& b),
               const char* options) {
    if (argc < 3 || argc > 4) usage(rows, options);
    for (const row& r : rows) {
        if (std::strcmp(r.name, argv[1]) != 0) continue;
        bench b{r.name, static_cast<int>(positive(argv[2])), argc == 4 ? positive(argv[3]) : r.n, argv[0]};
        start(r, b);
        return 0;
    }
    usage(rows, options);
}

void emit(const bench& b, double value, const char* unit) {
    std::printf("workload=%s procs=%d n=%lld value=%.6g unit=%s\n", b.workload, b.procs, static_cast<long long>(b.n),
                value, unit);
    std::fflush(stdout);
}

void check(const bench& b, std::int64_t got, std::int64_t want, const char* what) {
    if (got == want) return;
    std::fprintf(stderr, "%s: %s is %lld, want %lld\n", b.workload, what, static_cast<long long>(got),
                 static_cast<long long>(want));
    std::_Exit(1);
}

}  // namespace perf
