// SPDX-License-Identifier: BSL-1.0
#include "runtime/debug/metrics.h"

#include "gossamer/runtime.h"

namespace gossamer::runtime {

counters metrics() {
    using rt::event;
    const rt::totals t = rt::sum_counts();
    return {
        .goroutines_created = t.created,
        .goroutines_alive = t.alive,
        .threads = t.threads,
        .searches = t.of(event::search),
        .empty_searches = t.of(event::empty_search),
        .steals = t.of(event::steal),
        .stolen_goroutines = t.of(event::stolen_g),
        .shares = t.of(event::share),
        .handshakes = t.of(event::handshake),
        .refused_handshakes = t.of(event::refused_handshake),
        .retakes = t.of(event::retake),
        .preemptions = t.of(event::preemption),
        .fences = t.of(event::fence),
        .wakes = t.of(event::wake),
        .lost_wakes = t.of(event::lost_wake),
        .sleeps = t.of(event::sleep),
        .poller_wakes = t.of(event::poller_wake),
        .poller_sleeps = t.of(event::poller_sleep),
        .idle_processors = t.of(event::idle_p),
        .lock_waits = t.of(event::lock_wait),
        .lock_yields = t.of(event::lock_yield),
        .mutex_waits = t.of(event::mutex_wait),
        .queue_overflows = t.of(event::ring_overflow),
        .global_puts = t.of(event::global_put),
        .global_put_goroutines = t.of(event::global_put_g),
        .global_gets = t.of(event::global_get),
        .global_got_goroutines = t.of(event::global_got_g),
        .goroutine_batches = t.of(event::g_batch),
        .stack_batches = t.of(event::stack_batch),
        .polls = t.of(event::poll),
        .polled_goroutines = t.of(event::polled_g),
        .timers_run = t.of(event::timer_run),
    };
}

}  // namespace gossamer::runtime
