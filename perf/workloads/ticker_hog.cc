// SPDX-License-Identifier: BSL-1.0
// ticker_hog: PROCS tasks compute for N ms without calling the runtime while another ticks every 10 ms: the worst gap.

#include <gossamer/chan.h>
#include <gossamer/go.h>
#include <gossamer/time.h>

#include <algorithm>
#include <atomic>

#include "perf/support/blockers.h"
#include "perf/workloads/rows.h"

namespace perf {

void ticker_hog(bench& b) {
    using namespace std::chrono_literals;
    std::int64_t rounds = spin_rounds(b.n);  // measured, so that the spin itself looks at no clock
    std::atomic<int> running = b.procs;
    std::atomic<std::uint64_t> sink = 0;
    gossamer::chan<gossamer::unit> ready;
    gossamer::chan<double> worst;
    gossamer::go([&running, ready, worst] {
        gossamer::ticker ticker(10ms);
        ticker.c.recv();
        ready.send({});
        auto last = clock::now();
        double gap = 0;
        while (running > 0) {
            ticker.c.recv();
            gap = std::max(gap, ns_since(last));
            last = clock::now();
        }
        worst.send(gap);
    });
    ready.recv();
    for (int i = 0; i < b.procs; i++) {
        gossamer::go([&] {
            sink += spin(rounds);
            running--;
        });
    }
    emit(b, *worst.recv() / 1e6, "ms");
}

}  // namespace perf
