// SPDX-License-Identifier: BSL-1.0
#include "runtime/base/event.h"

namespace gossamer::rt {

namespace {
thread_local constinit event_counts* own_counts = nullptr;
}

void count_into(event_counts* own) { own_counts = own; }

void count(event what, uint64_t times) {
    event_counts* own = own_counts;
    if (own == nullptr) return;
    atomic<uint64_t>& word = own->of[size_t(what)];
    word.store(word.load(relaxed) + times, relaxed);  // this thread's own; pairs with nothing: sums are guesses
}

const char* words(event what) {
    static constexpr const char* kWords[] = {"searches",
                                             "empty_searches",
                                             "steals",
                                             "stolen_goroutines",
                                             "shares",
                                             "handshakes",
                                             "refused_handshakes",
                                             "retakes",
                                             "preemptions",
                                             "fences",
                                             "wakes",
                                             "lost_wakes",
                                             "sleeps",
                                             "poller_wakes",
                                             "poller_sleeps",
                                             "idle_processors",
                                             "lock_waits",
                                             "lock_yields",
                                             "mutex_waits",
                                             "queue_overflows",
                                             "global_puts",
                                             "global_put_goroutines",
                                             "global_gets",
                                             "global_got_goroutines",
                                             "goroutine_batches",
                                             "stack_batches",
                                             "polls",
                                             "polled_goroutines",
                                             "timers_run"};
    static_assert(sizeof kWords / sizeof *kWords == size_t(event::kCount));
    return kWords[size_t(what)];
}

}  // namespace gossamer::rt
