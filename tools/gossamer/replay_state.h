// SPDX-License-Identifier: BSL-1.0
// replay_state: what everybody was doing at a moment of a window: rebuilt by going over its events, from what the first event of each goroutine and
// processor implies. REQUIRES everywhere: put_in_order(w) was called.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "tools/gossamer/events.h"

namespace insp {

enum class replay_life : uint8_t { unborn, runnable, running, in_call, waiting, ended };

// How a goroutine became runnable.
enum class runnable_by : uint8_t { unknown, creation, waking, yielding, preemption, a_call };

struct replayed_goroutine {
    replay_life life = replay_life::runnable;
    runnable_by how = runnable_by::unknown;
    uint8_t reason = 0;      // waiting: rt::wait_reason
    bool is_certain = true;  // false: its stay began before the window
    int32_t p = -1;          // running
    int64_t since_ns = 0;    // of this life
    uint64_t by = 0;         // runnable: who woke or created it; 0: nobody
    uint64_t object = 0, pc = 0;
};

struct replayed_processor {
    bool held = false;
    uint32_t thread = 0;
    uint64_t g = 0;  // who runs on it; 0: nobody
    int64_t since_ns = 0;
};

class replay_state {
  public:
    explicit replay_state(const trace_window& w);
    // Goes on until all events up to `ns` have been taken. Never back.
    void go_to(int64_t ns);
    // Takes one event more; false at the end.
    bool step();
    const event* next() const { return at_ < w_.events.size() ? &w_.events[at_] : nullptr; }
    int64_t now() const { return now_; }
    const std::unordered_map<uint64_t, replayed_goroutine>& goroutines() const { return gs_; }
    const std::map<int32_t, replayed_processor>& processors() const { return ps_; }
    const replayed_goroutine* find(uint64_t g) const;

  private:
    void begin();
    void apply(const event& e);
    void leaves(const event& e, replay_life life);
    void becomes_runnable(const event& e, runnable_by how);

    const trace_window& w_;
    size_t at_ = 0;
    int64_t now_;
    std::unordered_map<uint64_t, replayed_goroutine> gs_;
    std::map<int32_t, replayed_processor> ps_;
};

// "+1.500000s", from the beginning of the window.
std::string moment(const trace_window& w, int64_t ns);
// "G17 worker"
std::string label(const trace_window& w, uint64_t g);
// What the event says, in words: "waits: chan receive, 0x7f…, at serve (server.cc:12)"; seen from goroutine g.
std::string words(const trace_window& w, const event& e, uint64_t g);
// "serve (server.cc:12)": the user's function behind an address; "" when it has no name.
std::string place(const trace_window& w, uint64_t pc);

}  // namespace insp
