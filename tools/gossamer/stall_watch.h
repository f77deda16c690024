// SPDX-License-Identifier: BSL-1.0
// stall_watch: finds goroutines that keep a thread for long without a call of the runtime, by looking at the threads again and again. And merges what
// was found into groups with one cause and one stack.
#pragma once

#include <set>
#include <unordered_map>

#include "tools/gossamer/probe.h"
#include "tools/gossamer/syscalls.h"
#include "tools/gossamer/thread_clock.h"

namespace insp {

// One thread that stands still: since when, with what.
struct stall {
    uint64_t m = 0, tid = 0;
    uint64_t g_address = 0, g = 0;  // 0: no goroutine, the scheduler itself
    origin from;
    int64_t since_ns = 0;
    int64_t lost_ns = 0;         // when it was first seen without its processor; 0: it holds it
    bool began_without = false;  // was never seen with one: when it lost it, nobody knows
    int32_t processor = -1;      // that it holds or held
    uint64_t p_address = 0;
    uint32_t turn = 0, tick = 0;  // of it, as they have been since
    uint32_t most_queued = 0;     // goroutines that waited for the processor while it was held
    bool in_runtime = false;      // now
    thread_times times_before;    // of the thread, when it was first seen
    uint32_t reports = 0;         // made of it
};

class stall_watch {
  public:
    // What is found is told to:
    struct listener {
        virtual ~listener() = default;
        virtual void goes_on(stall& s, int64_t now) = 0;      // has lasted over, 2 over, 4 over, …
        virtual void ended(const stall& s, int64_t now) = 0;  // only of those told of before
    };
    stall_watch(const target& t, int64_t over_ns);
    void look(int64_t now, listener& to);
    void finish(int64_t now, listener& to);  // those that last are over for us
    // Whether it does now: what the kernel was asked about it meanwhile counts only then.
    bool still_stands(const stall& s);
    thread_clocks& clocks() { return clocks_; }

  private:
    static bool works(const thread_look& m);
    bool moved(const stall& s, const thread_look& m, uint64_t g);
    void begin(stall& s, const thread_look& m, const goroutine_look& g, int64_t now);

    probe probe_;
    thread_clocks clocks_;
    int64_t over_ns_;
    std::unordered_map<uint64_t, stall> stalls_;  // by M: of all that run something
};

// Why a thread stands still.
enum class stall_cause : uint8_t { call, computes, runtime, starved, fault, scheduler, unknown };
const char* words(stall_cause c);     // for JSON: "system call", "computing", …
const char* sentence(stall_cause c);  // why nobody could have the thread do something else
// `during`: what the thread used and missed while it stood still, of `lasted`.
stall_cause judge(const kernel_look& look, bool in_runtime, bool has_goroutine, const thread_times& before,
                  const thread_times& now, int64_t lasted_ns);

}  // namespace insp
