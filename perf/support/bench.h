// SPDX-License-Identifier: BSL-1.0
// bench: what a row is, how it prints its figures and how it fails; shared by our program and by the C++ peers.

#pragma once

#include <chrono>
#include <cstdint>
#include <span>

namespace perf {

using clock = std::chrono::steady_clock;

// One call of a row. A row that does other work than it was asked for (N rounded, say) corrects n before it prints.
struct bench {
    const char* workload;
    int procs;
    std::int64_t n;
    const char* self;      // argv[0], for rows that start a server
    std::int64_t ops = 0;  // operations done in all, warm-up included; 0: N
};

struct row {
    const char* name;
    std::int64_t n;  // the default
    void (*run)(bench& b);
};

// The status of a program that does not know the row.
inline constexpr int kUsageStatus = 64;

// Runs the row that argv names: `start` brings up `procs` scheduler threads and calls row->run(b) on a task. `options`: what main() took off argv, for the
// words that explain the use.
int bench_main(int argc, char** argv, std::span<const row> rows, void (*start)(const row& r, bench& b),
               const char* options = "");

// workload=… procs=… n=… value=… unit=…
void emit(const bench& b, double value, const char* unit);

// Ends the process with status 1 when a row's answer is wrong: a fast wrong answer is no figure.
void check(const bench& b, std::int64_t got, std::int64_t want, const char* what);

inline double ns_since(clock::time_point start) {
    return static_cast<double>(std::chrono::duration_cast<std::chrono::nanoseconds>(clock::now() - start).count());
}

// Calls f twice, the first time to warm up, and prints the second call's nanoseconds per operation.
template <class F>
void per_op(bench& b, std::int64_t ops, const char* unit, F f) {
    b.ops += 2 * ops;
    f();
    auto start = clock::now();
    f();
    emit(b, ns_since(start) / static_cast<double>(ops), unit);
}

}  // namespace perf
