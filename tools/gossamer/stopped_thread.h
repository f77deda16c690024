// SPDX-License-Identifier: BSL-1.0
// stopped_thread: a look at a thread of another process, or at all of them, while they stand still: the registers and the top of the stack. A blocking call
// that a thread is in is resumed by the kernel; epoll_wait and a few others return EINTR to it, as after any signal.
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

// As /proc tells: 'R' runs or wants to, 'S' sleeps, 'X' is gone, and so on.
char thread_state(uint64_t pid, uint64_t tid);
// The stack pointer of one that sleeps in the kernel or is stopped; 0: it runs.
uint64_t sleeping_sp(uint64_t pid, uint64_t tid);

struct thread_copy {
    registers at;
    std::vector<unsigned char> stack;  // from at.value[sp] on
    int64_t stopped_ns = 0;
    std::string why;  // not empty: it could not be done
};
// `meanwhile` is called while it stands still.
thread_copy copy_thread(uint64_t pid, uint64_t tid, const machine& m, size_t most_stack,
                        const std::function<void()>& meanwhile);

// All threads of a process, from its making to its end: what is read of the process meanwhile is of one moment.
class stopped_process {
  public:
    struct thread {
        uint64_t tid = 0, sp = 0;
        std::vector<uint64_t> words;  // of all its registers, those of vectors too
    };
    stopped_process(uint64_t pid, const machine& m);
    ~stopped_process() { release(); }
    stopped_process(const stopped_process&) = delete;
    stopped_process& operator=(const stopped_process&) = delete;
    // Lets it go on. Returns for how long it stood.
    int64_t release();
    const std::string& why() const { return why_; }  // not empty: it could not be done, and not all of them stand
    const std::vector<thread>& threads() const { return threads_; }

  private:
    struct hold {
        uint64_t tid = 0;
        int signal = -1;  // that stopped it, to be handed on; -1: it does not stand
    };
    bool stop_new(const machine& m);
    void read_registers(uint64_t tid, const machine& m);

    uint64_t pid_;
    int64_t since_ns_ = 0;
    std::string why_;
    std::vector<hold> holds_;
    std::vector<thread> threads_;
};

// The registers of a thread in a core. False when the core does not have it.
bool read_core_thread(const std::string& core, uint64_t tid, const machine& m, registers& r);

}  // namespace insp
