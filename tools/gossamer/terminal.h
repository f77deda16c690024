// SPDX-License-Identifier: BSL-1.0
// terminal: the screen as a program may have it for a while: other screen, no echo, keys one by one. Given back as it was, however the program ends.
#pragma once

#include <csignal>
#include <cstdint>
#include <string>
#include <vector>

namespace insp {

class terminal {
  public:
    static bool is_there();  // both ends are one, and it can do more than print
    terminal();
    ~terminal();
    terminal(const terminal&) = delete;
    terminal& operator=(const terminal&) = delete;

    struct key {
        int byte = 0;          // 0: none, the time is over; -1: the terminal is gone
        bool resized = false;  // or shown again after a stop
        int signal = 0;        // that asks the program to end
    };
    // Waits for a key or something else, at most so long.
    key wait(int64_t ns);
    void size(size_t* rows, size_t* columns) const;
    void show(const std::vector<std::string>& lines);

  private:
    void enter();
    void leave();
    int next_key();

    std::string typed_;  // and not yet told of
    sigset_t unblocked_;
};

}  // namespace insp
