// SPDX-License-Identifier: BSL-1.0
// bench: the rows of the workload table: `bench WORKLOAD PROCS [N]`, `bench serve_echo|serve_http PROCS PORT`. With --counters first, also what
// the scheduler did for the row.

#include <gossamer/go.h>
#include <gossamer/runtime.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "perf/support/counters.h"
#include "perf/support/process.h"
#include "perf/workloads/rows.h"

namespace perf {

namespace {

constexpr row kRows[] = {
    {"spawn_join", 1'000'000, spawn_join},
    {"spawn_batch", 1'000, spawn_batch},
    {"yield2", 5'000'000, yield2},
    {"yield1k", 5'000, yield1k},
    {"pingpong", 1'000'000, pingpong},
    {"chan_buf", 5'000'000, chan_buf},
    {"chan_mpmc", 4'000'000, chan_mpmc},
    {"select4", 1'000'000, select4},
    {"select_try", 20'000'000, select_try},
    {"mutex_free", 50'000'000, mutex_free},
    {"mutex_hot", 4'000'000, mutex_hot},
    {"sieve", 2'000, sieve},
    {"skynet", 1'000'000, skynet},
    {"fib", 27, fib},
    {"parked", 1'000'000, parked},
    {"spawned_not_run", 1'000'000, spawned_not_run},
    {"sleepers", 100'000, sleepers},
    {"timer_churn", 10'000'000, timer_churn},
    {"ticker_hog", 2'000, ticker_hog},
    {"block_sys", 100, block_sys},
    // One parameter of perf/scale.py each.
    {"yield_many", 1'000, yield_many},
    {"chan_chain", 1'000, chan_chain},
    {"timers_pending", 1, timers_pending},
    {"echo", 0, become_load_client},
    {"idle_conns", 0, become_load_client},
    {"http", 0, become_load_client},
    {"serve_echo", 0, serve_echo},
    {"serve_http", 0, serve_http},
    {"idle", 10'000, idle},
    {"wake_idle", 50, wake_idle},
    {"quota", 3'000, quota},
    {"quota_hogs", 3'000, quota_hogs},
    {"quota_load", 3'000, quota_load},
};

void start(const row& r, bench& b) {
    gossamer::runtime::set_procs(b.procs);
    gossamer::run([&] { r.run(b); });
}

void start_counted(const row& r, bench& b) {
    if (r.n == 0) {
        std::fprintf(stderr, "--counters: %s is served by another process\n", r.name);
        std::exit(kUsageStatus);
    }
    gossamer::runtime::set_procs(b.procs);
    gossamer::run([&] {
        auto before = gossamer::runtime::metrics();
        r.run(b);
        print_counters(before, gossamer::runtime::metrics(), b.ops != 0 ? b.ops : b.n);
    });
}

}  // namespace

}  // namespace perf

int main(int argc, char** argv) {
    if (argc < 2 || std::strcmp(argv[1], "--counters") != 0)
        return perf::bench_main(argc, argv, perf::kRows, perf::start, " [--counters]");
    argv[1] = argv[0];
    return perf::bench_main(argc - 1, argv + 1, perf::kRows, perf::start_counted, " [--counters]");
}
