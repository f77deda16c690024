// SPDX-License-Identifier: BSL-1.0
// The rows of the workload table with a thread for every task: `prog WORKLOAD PROCS [N]`, `serve_echo PROCS PORT`.

#include <sched.h>

#include <cstdio>
#include <cstdlib>

#include "perf/peers/std_thread/threads.h"
#include "perf/support/process.h"

namespace perf {

namespace {

using peer = rows<thread_rival>;

// Defaults are smaller than the table's where a thread for every task would take minutes or reach the system's limits.
constexpr row kRows[] = {
    {"spawn_join", 20'000, peer::spawn_join},
    {"spawn_batch", 20, peer::spawn_batch},
    {"yield2", 1'000'000, peer::yield2},
    {"yield1k", 500, peer::yield1k},
    {"pingpong", 50'000, peer::pingpong},
    {"chan_buf", 1'000'000, peer::chan_buf},
    {"chan_mpmc", 1'000'000, peer::chan_mpmc},
    {"mutex_free", 50'000'000, peer::mutex_free},
    {"mutex_hot", 4'000'000, peer::mutex_hot},
    {"sieve", 300, peer::sieve},
    {"skynet", 1'000, skynet},
    {"fib", 16, peer::fib},
    {"parked", 10'000, peer::parked},
    {"sleepers", 5'000, peer::sleepers},
    {"ticker_hog", 2'000, peer::ticker_hog},
    {"block_sys", 100, peer::block_sys},
    {"echo", 0, become_load_client},
    {"idle_conns", 0, become_load_client},
    {"serve_echo", 0, serve_echo},
};

// PROCS threads run at once when the process may use PROCS processors.
void start(const row& r, bench& b) {
    cpu_set_t may, use;
    CPU_ZERO(&use);
    int left = b.procs;
    if (::sched_getaffinity(0, sizeof may, &may) == 0) {
        for (int cpu = 0; cpu < CPU_SETSIZE && left > 0; cpu++) {
            if (CPU_ISSET(cpu, &may)) {
                CPU_SET(cpu, &use);
                left--;
            }
        }
    }
    if (left > 0) {
        std::fprintf(stderr, "%s: there are fewer than %d processors\n", b.workload, b.procs);
        std::_Exit(1);
    }
    // The load client wants the other processors for itself; its servers come through here on their own.
    if (r.run != become_load_client) ::sched_setaffinity(0, sizeof use, &use);
    r.run(b);
    std::fflush(stdout);
    std::_Exit(0);  // some rows leave threads blocked for ever
}

}  // namespace

}  // namespace perf

int main(int argc, char** argv) { return perf::bench_main(argc, argv, perf::kRows, perf::start); }
