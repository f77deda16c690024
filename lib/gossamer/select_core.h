// SPDX-License-Identifier: BSL-1.0
// select_core: the untyped select under select(), compiled once. Not for users: they want <gossamer/select.h>.
// Called by / on: goroutines and plain threads, outside of the runtime.
#pragma once

#include "gossamer/chan_core.h"

namespace gossamer::rt {

// One case. A null channel is never ready (SE5).
struct select_op {
    chan_header* chan = nullptr;
    void* slot = nullptr;  // the value to send, or the place for the received one
    bool is_send = false;
};

struct select_result {
    uint32_t index;  // kNoneReady when nothing was ready
    bool ok;         // for a receive: a value was constructed in the slot; false when the channel is closed and drained
};
inline constexpr uint32_t kNoneReady = UINT32_MAX;

enum class select_kind : uint8_t {
    blocking,
    trying,  // gives kNoneReady instead of blocking
};
enum class select_order : uint8_t {
    random,    // uniform among the ready cases (SE2)
    in_order,  // the first of the ready cases
};

// Waits until one of the n cases can go on, and lets it, exactly one (SE9). Throws panic "send on closed channel" when the
// chosen case is such a send; then no value was touched.
select_result select_run(const select_op* ops, uint32_t n, select_kind kind, select_order order);

// select {} of Go.
[[noreturn]] void select_for_ever();

}  // namespace gossamer::rt
