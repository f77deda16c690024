// SPDX-License-Identifier: BSL-1.0
// probe: lets a test see from outside that a goroutine has gone to sleep, and on what.
#pragma once

#include "runtime/sched/sched.h"
#include "tests/support/harness.h"

namespace tests {

class probe {
  public:
    // Called by the goroutine that is to be watched.
    void here() {
        gossamer::rt::in_runtime scope;
        g_.store(gossamer::rt::current_g());
    }
    bool asleep(gossamer::rt::wait_reason why) const {
        const gossamer::rt::G* g = g_.load();
        return g != nullptr && g->status.load() == gossamer::rt::g_status::waiting && g->reason.load() == why;
    }
    bool comes_to_sleep(gossamer::rt::wait_reason why) const {
        return eventually([&] { return asleep(why); });
    }

  private:
    std::atomic<gossamer::rt::G*> g_{nullptr};
};

inline bool on_one_proc() { return gossamer::rt::sched.procs.load() == 1; }

// Keeps the thread busy, as a computation does.
inline void compute_for(std::chrono::nanoseconds d) {
    auto end = std::chrono::steady_clock::now() + d;
    while (std::chrono::steady_clock::now() < end) {
    }
}

}  // namespace tests
