// SPDX-License-Identifier: BSL-1.0
// pingpong: two tasks, two unbuffered channels, N round trips.

#include <gossamer/chan.h>
#include <gossamer/go.h>
#include <gossamer/wait_group.h>

#include "perf/workloads/rows.h"

namespace perf {

void pingpong(bench& b) {
    per_op(b, b.n, "ns_per_round_trip", [&] {
        gossamer::chan<int> ping, pong;
        gossamer::wait_group group;
        group.go([&] {
            for (int i = 0; i < b.n; i++) {
                ping.send(i);
                check(b, *pong.recv(), i + 1, "answer");
            }
        });
        group.go([&] {
            for (int i = 0; i < b.n; i++) pong.send(*ping.recv() + 1);
        });
        group.wait();
    });
}

}  // namespace perf
