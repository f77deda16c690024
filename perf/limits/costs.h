// SPDX-License-Identifier: BSL-1.0
// costs: what the machine at hand asks for the things that the rows are made of, without a runtime. One function a limit; the table
// in perf/README.md says which row is made of which.

#pragma once

#include "perf/support/bench.h"

namespace perf {

// Switches between contexts on stacks of their own: one that stays warm, a thousand, N of which none is warm.
void switch_warm(bench& b);
void switch_1k(bench& b);
void switch_cold(bench& b);

// One word, or few, of one thread.
void atomic_add(bench& b);
void look(bench& b);
void mutex_pair(bench& b);
void task(bench& b);
void timer_pair(bench& b);
void timer_pair_100k(bench& b);

// The first touch of a page: side by side, or at the top of each of N stacks with a guard below it.
void page(bench& b);
void page_stack(bench& b);

// The kernel's clocks and waits.
void clock_look(bench& b);
void futex_wake(bench& b);
void futex_idle(bench& b);
void epoll_look(bench& b);
void late(bench& b);
void late_idle(bench& b);
void tcp(bench& b);

// The smallest servers that the load client can load: procs threads with an epoll each; n is the port. Never return.
void serve_echo(bench& b);
void serve_http(bench& b);

}  // namespace perf
