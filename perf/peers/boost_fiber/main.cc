// SPDX-License-Identifier: BSL-1.0
// The rows of the workload table that Boost.Fiber can do: `prog WORKLOAD PROCS [N]`. README.md says which it cannot.

#include <malloc.h>

#include <cstdio>
#include <cstdlib>
#include <limits>
#include <thread>
#include <vector>

#include "perf/peers/boost_fiber/fibers.h"

namespace perf {

namespace {

using peer = rows<fiber_rival>;

// Defaults are smaller than the table's where a stack for every task that was started would take all memory.
constexpr row kRows[] = {
    {"spawn_join", 100'000, peer::spawn_join},
    {"spawn_batch", 1'000, peer::spawn_batch},
    {"yield2", 5'000'000, peer::yield2},
    {"yield1k", 5'000, peer::yield1k},
    {"pingpong", 1'000'000, peer::pingpong},
    {"chan_buf", 5'000'000, peer::chan_buf},
    {"chan_mpmc", 4'000'000, peer::chan_mpmc},
    {"mutex_free", 50'000'000, peer::mutex_free},
    {"mutex_hot", 4'000'000, peer::mutex_hot},
    {"sieve", 2'000, peer::sieve},
    {"skynet", 100'000, skynet},
    {"fib", 20, peer::fib},
    {"parked", 100'000, peer::parked},
    {"spawned_not_run", 100'000, spawned_not_run},
    {"sleepers", 100'000, peer::sleepers},
    {"ticker_hog", 2'000, peer::ticker_hog},
    {"block_sys", 100, peer::block_sys},
};

}  // namespace

void start(const row& r, bench& b) {
    // malloc's habit of giving memory back at once would cost the peer a page fault for every stack.
    ::mallopt(M_TRIM_THRESHOLD, std::numeric_limits<int>::max());
    ::mallopt(M_TOP_PAD, 16 << 20);
    // The scheduler is chosen per thread, before its first fiber; work_stealing wants to know all threads in advance.
    fibers::mutex mutex;
    fibers::condition_variable_any ended;
    bool over = false;
    std::vector<std::thread> others;
    for (int i = 1; i < b.procs; i++) {
        others.emplace_back([&] {
            fibers::use_scheduling_algorithm<fibers::algo::work_stealing>(static_cast<std::uint32_t>(b.procs));
            std::unique_lock lock(mutex);
            ended.wait(lock, [&] { return over; });
        });
    }
    if (b.procs > 1) {
        fibers::use_scheduling_algorithm<fibers::algo::work_stealing>(static_cast<std::uint32_t>(b.procs));
    } else {
        fibers::use_scheduling_algorithm<fibers::algo::round_robin>();
    }
    r.run(b);
    // Some rows leave fibers blocked for ever, as they do in Go; to join them would hang, so the process just ends.
    std::fflush(stdout);
    std::_Exit(0);
}

}  // namespace perf

int main(int argc, char** argv) { return perf::bench_main(argc, argv, perf::kRows, perf::start); }
