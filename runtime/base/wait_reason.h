// SPDX-License-Identifier: BSL-1.0
// wait_reason: the closed list of why a goroutine waits, in the words of Go's dumps (SEMANTICS D9).
#pragma once

#include <cstdint>

namespace gossamer::rt {

enum class wait_reason : uint8_t {
    none,
    chan_receive,
    chan_send,
    chan_receive_nil,
    chan_send_nil,
    select,
    select_no_cases,
    sleep,
    io_wait,
    semacquire,
    mutex_lock,
    rw_mutex_rlock,
    rw_mutex_lock,
    cond_wait,
    wait_group_wait,
    panic_wait,
    join,
    kCount,
};

// "chan receive", "select", … static storage, never null.
const char* words(wait_reason why);

}  // namespace gossamer::rt
