// SPDX-License-Identifier: BSL-1.0
// rows: the workloads of this folder, one file each. All run as a goroutine with the number of Ps already set.

#pragma once

#include "perf/support/bench.h"

namespace perf {

void spawn_join(bench& b);
void spawn_batch(bench& b);
void yield2(bench& b);
void yield1k(bench& b);
void pingpong(bench& b);
void chan_buf(bench& b);
void chan_mpmc(bench& b);
void select4(bench& b);
void select_try(bench& b);
void mutex_free(bench& b);
void mutex_hot(bench& b);
void sieve(bench& b);
void skynet(bench& b);
void fib(bench& b);
void parked(bench& b);
void spawned_not_run(bench& b);
void sleepers(bench& b);
void timer_churn(bench& b);
void ticker_hog(bench& b);
void block_sys(bench& b);
void idle(bench& b);
void wake_idle(bench& b);
void quota(bench& b);
void quota_hogs(bench& b);  // what quota runs inside its cgroup
void quota_load(bench& b);
void yield_many(bench& b);
void chan_chain(bench& b);
void timers_pending(bench& b);
void serve_echo(bench& b);
void serve_http(bench& b);

}  // namespace perf
