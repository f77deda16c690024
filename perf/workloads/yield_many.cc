// SPDX-License-Identifier: BSL-1.0
// yield_many: N tasks do nothing but give way, for a second or for three rounds of all of them, whichever is longer. How the cost of a switch grows
// with the number of stacks.

#include <gossamer/chan.h>
#include <gossamer/go.h>
#include <gossamer/wait_group.h>

#include <atomic>

#include "perf/workloads/rows.h"

namespace perf {

void yield_many(bench& b) {
    constexpr double kLeastNs = 1e9;
    constexpr std::int64_t kRounds = 3;
    std::atomic<std::int64_t> arrived = 0, total = 0;
    std::atomic<bool> measuring = false, stop = false;
    gossamer::chan<gossamer::unit> begin;  // else the starter would have a turn once a round
    gossamer::wait_group group;
    for (std::int64_t i = 0; i < b.n; i++) {
        group.go([&] {
            arrived.fetch_add(1, std::memory_order_relaxed);
            begin.recv();
            std::int64_t mine = 0;
            while (!stop.load(std::memory_order_relaxed)) {
                gossamer::yield();
                if (measuring.load(std::memory_order_relaxed)) mine++;
            }
            total.fetch_add(mine, std::memory_order_relaxed);
        });
    }
    while (arrived.load(std::memory_order_relaxed) < b.n) gossamer::yield();
    begin.close();
    gossamer::yield();
    auto start = clock::now();
    measuring = true;
    double took = 0;
    for (std::int64_t round = 0; round < kRounds || took < kLeastNs; round++) {
        gossamer::yield();  // this task is one of the crowd: its turn comes once a round
        took = ns_since(start);
    }
    measuring = false;
    took = ns_since(start);
    stop = true;
    group.wait();
    b.ops = total;
    emit(b, took / static_cast<double>(total), "ns_per_yield");
}

}  // namespace perf
