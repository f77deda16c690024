// SPDX-License-Identifier: BSL-1.0
// order_plan: what put_in_order (events.h) learns in one look over all events before it merges the threads: numbers for goroutines, the events of each thread
// and of each goroutine, how everything stood at the beginning, and better stamps for `ready` and `create`.
#pragma once

#include <cstdint>
#include <vector>

#include "tools/gossamer/events.h"

namespace insp {

// Clocks of two processors differ by less than this.
inline constexpr int64_t kClockSlack = 2000;

// Carries the last clock reading of its thread (a plain one has read it for this): it happened between that and the next reading.
inline bool is_vague(gossamer::rt::box::kind k) {
    return k == gossamer::rt::box::kind::ready || k == gossamer::rt::box::kind::create;
}

enum class g_life : uint8_t { unborn, runnable, running, outside, waiting, ended };  // outside: in a call, or retaken

struct g_beginning {
    g_life life = g_life::runnable;
    int32_t thread = -1;  // of running and outside
};

struct order_plan {
    static constexpr int32_t kMostProcessors = 1 << 16;  // what is above is no processor

    std::vector<uint32_t> number;       // [event]: of its goroutine, from 1; 0: it names none
    std::vector<uint64_t> ids;          // [number]
    std::vector<int64_t> until;         // [event]: a vague one happened no later; others: their stamp
    std::vector<uint32_t> of_thread;    // events by thread, in its order
    std::vector<size_t> thread_begin;   // [thread], and one more
    std::vector<uint32_t> of_g;         // events by goroutine, by stamp
    std::vector<size_t> g_begin;        // [number], and one more
    std::vector<g_beginning> gs;        // [number]
    std::vector<uint32_t> thread_runs;  // [thread]: number of who runs there at the beginning; 0: nobody
    std::vector<int32_t> thread_p;      // [thread]: the processor it holds at the beginning; -1: none
    std::vector<int32_t> p_holder;      // [processor]: thread; -1: nobody
};

// Changes nothing but ns of vague events, and p where it is none.
order_plan make_order_plan(trace_window& w);

}  // namespace insp
