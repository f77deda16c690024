// SPDX-License-Identifier: BSL-1.0

#include "perf/support/counters.h"

#include <cstdio>
#include <iterator>

namespace perf {

namespace {

using gossamer::runtime::counters;

constexpr struct {
    const char* name;
    std::uint64_t counters::*value;
    // It is also the number of times that a line which every P writes went to another core (runtime/RATIONALE.md lists those words).
    bool shared_line = false;
} kCounters[] = {
    {"goroutines_created", &counters::goroutines_created},
    {"goroutines_alive", &counters::goroutines_alive},
    {"threads", &counters::threads},
    {"searches", &counters::searches, true},
    {"empty_searches", &counters::empty_searches},
    {"steals", &counters::steals},
    {"stolen_goroutines", &counters::stolen_goroutines},
    {"shares", &counters::shares},
    {"handshakes", &counters::handshakes, true},
    {"refused_handshakes", &counters::refused_handshakes},
    {"retakes", &counters::retakes},
    {"preemptions", &counters::preemptions, true},
    {"fences", &counters::fences},
    {"wakes", &counters::wakes, true},
    {"lost_wakes", &counters::lost_wakes, true},
    {"sleeps", &counters::sleeps},
    {"poller_wakes", &counters::poller_wakes},
    {"poller_sleeps", &counters::poller_sleeps, true},
    {"idle_processors", &counters::idle_processors, true},
    {"lock_waits", &counters::lock_waits, true},
    {"lock_yields", &counters::lock_yields},
    {"mutex_waits", &counters::mutex_waits, true},
    {"queue_overflows", &counters::queue_overflows},
    {"global_puts", &counters::global_puts, true},
    {"global_put_goroutines", &counters::global_put_goroutines},
    {"global_gets", &counters::global_gets, true},
    {"global_got_goroutines", &counters::global_got_goroutines},
    {"goroutine_batches", &counters::goroutine_batches, true},
    {"stack_batches", &counters::stack_batches, true},
    {"polls", &counters::polls, true},
    {"polled_goroutines", &counters::polled_goroutines},
    {"timers_run", &counters::timers_run},
};
static_assert(sizeof(counters) == sizeof(std::uint64_t) * std::size(kCounters), "each counter has its line");

void print(const char* name, std::int64_t value, std::int64_t ops) {
    if (value == 0) return;
    std::fprintf(stderr, "counter=%s value=%lld per_op=%.3g\n", name, static_cast<long long>(value),
                 static_cast<double>(value) / static_cast<double>(ops));
}

}  // namespace

void print_counters(const counters& before, const counters& after, std::int64_t ops) {
    // Numbers for goroutines are fetched 64 at a time.
    auto shared = static_cast<std::int64_t>(after.goroutines_created - before.goroutines_created) / 64;
    for (const auto& c : kCounters) {
        auto more = static_cast<std::int64_t>(after.*c.value - before.*c.value);
        if (c.shared_line) shared += more;
        print(c.name, more, ops);
    }
    print("shared_lines", shared, ops);
}

}  // namespace perf
