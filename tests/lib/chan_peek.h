// SPDX-License-Identifier: BSL-1.0
// chan_peek: who waits in a channel, for tests that must know that somebody is parked before they go on.
#pragma once

#include <cstddef>

#include "gossamer/chan.h"
#include "lib/chan_ops.h"
#include "runtime/sched/current.h"
#include "tests/support/harness.h"

namespace tests {

inline std::size_t queued(const gossamer::detail::untyped_chan& c,
                          gossamer::rt::wait_queue gossamer::rt::chan_core::*queue) {
    gossamer::rt::in_runtime scope;
    auto* core = gossamer::rt::core_of(c.core());
    gossamer::rt::lock_guard hold(core->lk);
    std::size_t n = 0;
    for (auto* s = (core->*queue).first(); s != nullptr; s = s->next) n++;
    return n;
}
inline std::size_t parked_receivers(const gossamer::detail::untyped_chan& c) {
    return queued(c, &gossamer::rt::chan_core::receivers);
}
inline std::size_t parked_senders(const gossamer::detail::untyped_chan& c) {
    return queued(c, &gossamer::rt::chan_core::senders);
}

// Both queues, the buffer and the capacity of one moment (SEMANTICS CH7).
inline bool queues_agree(const gossamer::detail::untyped_chan& c) {
    gossamer::rt::in_runtime scope;
    auto* core = gossamer::rt::core_of(c.core());
    gossamer::rt::lock_guard hold(core->lk);
    bool receivers = core->receivers.first() != nullptr, senders = core->senders.first() != nullptr;
    std::size_t n = gossamer::rt::buffered(core);
    return !(receivers && senders) && !(receivers && n != 0) && !(senders && n < core->capacity);
}

inline bool wait_for_receivers(const gossamer::detail::untyped_chan& c, std::size_t n) {
    return eventually([&] { return parked_receivers(c) == n; });
}
inline bool wait_for_senders(const gossamer::detail::untyped_chan& c, std::size_t n) {
    return eventually([&] { return parked_senders(c) == n; });
}

}  // namespace tests
