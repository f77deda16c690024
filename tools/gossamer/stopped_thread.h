// SPDX-License-Identifier: BSL-1.0
// stopped_thread: a look at a thread of another process: its registers and the top of its stack, while it stands still. A blocking call that it is in is
// resumed by the kernel; epoll_wait and a few others return EINTR to it, as after any signal.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "tools/gossamer/frame_rules.h"

namespace insp {

// Where a register set of the kernel (NT_PRSTATUS) holds each register, in words of 8 bytes.
struct register_set {
    unsigned words, pc;
    unsigned place[33];  // by DWARF number; kNowhere: not in it
    static constexpr unsigned kNowhere = 999;
};
const register_set& registers_of_kernel(const machine& m);

struct thread_copy {
    registers at;
    std::vector<unsigned char> stack;  // from at.value[sp] on
    int64_t stopped_ns = 0;
    std::string why;  // not empty: it could not be done
};
// `meanwhile` is called while it stands still.
thread_copy copy_thread(uint64_t pid, uint64_t tid, const machine& m, size_t most_stack,
                        const std::function<void()>& meanwhile);

// The registers of a thread in a core. False when the core does not have it.
bool read_core_thread(const std::string& core, uint64_t tid, const machine& m, registers& r);

}  // namespace insp
