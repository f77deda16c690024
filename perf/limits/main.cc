// SPDX-License-Identifier: BSL-1.0
// limits: the bare cost of what the rows are made of: `limits LIMIT [N]`, `limits serve_echo|serve_http THREADS PORT`.

#include "perf/limits/costs.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace perf {

namespace {

constexpr row kLimits[] = {
    {"switch", 1'000'000, switch_warm},
    {"switch_1k", 1'000'000, switch_1k},
    {"switch_cold", 100'000, switch_cold},
    {"atomic", 2'000'000, atomic_add},
    {"look", 5'000'000, look},
    {"mutex", 2'000'000, mutex_pair},
    {"task", 2'000'000, task},
    {"timer", 2'000'000, timer_pair},
    {"timer_100k", 200'000, timer_pair_100k},
    {"page", 10'000, page},
    {"page_stack", 10'000, page_stack},
    {"clock", 500'000, clock_look},
    {"futex", 1'000, futex_wake},
    {"futex_idle", 50, futex_idle},
    {"epoll", 100'000, epoll_look},
    {"late", 200, late},
    {"late_idle", 50, late_idle},
    {"tcp", 20'000, tcp},
};
constexpr row kServers[] = {{"serve_echo", 0, serve_echo}, {"serve_http", 0, serve_http}};

[[noreturn]] void usage() {
    std::fprintf(stderr, "usage: limits LIMIT [N]\n       limits serve_echo|serve_http THREADS PORT\nlimits:");
    for (const row& r : kLimits) std::fprintf(stderr, " %s", r.name);
    std::fprintf(stderr, "\n");
    std::exit(64);
}

std::int64_t positive(const char* text) {
    char* end = nullptr;
    errno = 0;
    long long v = std::strtoll(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || v < 1) usage();
    return v;
}

}  // namespace

}  // namespace perf

int main(int argc, char** argv) {
    using namespace perf;
    for (const row& r : kLimits) {
        if (argc < 2 || argc > 3 || std::strcmp(r.name, argv[1]) != 0) continue;
        bench b{r.name, 1, argc == 3 ? positive(argv[2]) : r.n, argv[0]};
        r.run(b);
        return 0;
    }
    for (const row& r : kServers) {
        if (argc != 4 || std::strcmp(r.name, argv[1]) != 0) continue;
        bench b{r.name, static_cast<int>(positive(argv[2])), positive(argv[3]), argv[0]};
        r.run(b);
        return 1;  // a server ends when it is killed
    }
    usage();
}
