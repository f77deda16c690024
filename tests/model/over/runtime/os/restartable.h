// SPDX-License-Identifier: BSL-1.0
// restartable: in place of runtime/os/restartable.h: the look and the store are two steps, and a fence in between makes the second say no.
#pragma once

#include "runtime/base/atomic.h"

namespace gossamer::model {
extern uint64_t restarts;  // fences in this execution
}

namespace gossamer::rt::os {

bool has_restart_fence();
void restart_fence(model::place at = model::place::current());

struct restartable_store {
    uint64_t began, desired;
    bool done;
};
__attribute__((no_sanitize("thread"))) inline uint64_t store_unless_restarted(uint64_t old, void* arg) {
    auto* s = static_cast<restartable_store*>(arg);
    s->done = s->began == model::restarts;
    return s->done ? s->desired : old;  // over whatever the word holds by now
}

__attribute__((no_sanitize("thread"))) inline bool replace_if(atomic<uint32_t>& word, uint32_t expected,
                                                              uint32_t desired,
                                                              model::place at = model::place::current()) {
    restartable_store s{model::restarts, desired, false};
    compiler_fence();
    if (word.load(relaxed) != expected) return false;  // pairs with nothing: restart_fence() orders
    model::change(&word, sizeof word, store_unless_restarted, &s, rt::release, at);  // pairs with the caller's acquire
    return s.done;
}

}  // namespace gossamer::rt::os
