// SPDX-License-Identifier: BSL-1.0
// thread_clock: how much CPU the threads of another process have used, from /proc, cheap enough to ask a hundred times a second.
#pragma once

#include <cstdint>
#include <unordered_map>

namespace insp {

// Of one thread, in ns since it began: time on a CPU, time it wanted one and had none (counted when such a wait is over); and how often it came to run.
struct thread_times {
    bool known = false;
    uint64_t ran = 0, waited = 0, runs = 0;
};

class thread_clocks {
  public:
    explicit thread_clocks(uint32_t pid) : pid_(pid) {}
    ~thread_clocks();
    thread_clocks(const thread_clocks&) = delete;
    thread_clocks& operator=(const thread_clocks&) = delete;
    thread_times read(uint64_t tid);
    void forget_unused();  // those not read since the last call

  private:
    struct open_file {
        int fd = -1;
        bool used = false;
    };
    uint32_t pid_;
    std::unordered_map<uint64_t, open_file> files_;
};

}  // namespace insp
