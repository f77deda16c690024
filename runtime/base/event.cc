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

}  // namespace gossamer::rt
