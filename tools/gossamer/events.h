// SPDX-License-Identifier: BSL-1.0
// events: what the rings of a window say, as one list in time. What record, replay, prof, report and all exporters work on.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "runtime/box/layout.h"

namespace insp {

// One event. Kinds as in runtime/box/layout.h, but that detail, birth, name_at, text, extra, stack, pad and context have gone into the fields of the event
// they belong to.
struct event {
    int64_t ns = 0;   // monotonic, from trace_window::begin_ns on
    uint64_t g = 0;   // the goroutine that is meant: who starts, blocks, becomes ready, is created, ran; 0: none
    uint64_t by = 0;  // who ran on this thread then (the waker, the creator); 0: nobody
    uint64_t a = 0;   // block: object; create: start function; steal, poll: how many; task_*, log: task; counter: value
    uint64_t pc = 0;  // block: the call that waits; create: the go()
    uint32_t thread = 0;  // index into trace_window::threads
    int32_t p = -1;       // start, p_take, p_drop, retake: processor; steal: from which; else the thread's own or -1
    uint32_t text = 0;    // index into trace_window::texts (name, or key\0value); 0: none
    uint32_t stack = 0;   // index into trace_window::stacks; 0: none
    gossamer::rt::box::kind kind = gossamer::rt::box::kind::pad;
    uint8_t reason = 0;  // block: rt::wait_reason
};

struct traced_goroutine {
    std::string name;  // as given, or the name of the start function, or of the function that started it; never empty
    uint64_t creator = 0;
    uint64_t creator_pc = 0;
    uint64_t start_pc = 0;
    // As it stood when the window was saved; 0 running, 1 runnable, 2 waiting, 3 ended
    uint8_t last_state = 3;
    uint8_t last_reason = 0;
    uint64_t last_object = 0;
    std::vector<uint64_t> last_stack;  // pcs, innermost first; empty: not known
};

struct traced_thread {
    uint64_t tid = 0;
    uint32_t number = 0;
    bool is_plain = false;
};

struct pc_name {
    std::string function, file;
    int line = 0;
};

struct trace_window {
    std::string program;  // path of the executable
    uint32_t pid = 0;
    uint32_t procs = 0;
    int64_t begin_ns = 0, end_ns = 0;  // monotonic
    int64_t begin_real_ns = 0;         // the same moment by the calendar
    std::vector<event> events;         // by ns; those of one thread in the order in which it wrote them
    std::vector<traced_thread> threads;
    std::unordered_map<uint64_t, traced_goroutine>
        goroutines;                  // every one that an event names, and those of the table (waiting ones included)
    std::vector<std::string> texts;  // [0] is ""
    std::vector<std::vector<uint64_t>> stacks;                 // [0] is empty; pcs innermost first
    std::unordered_map<uint64_t, std::vector<pc_name>> names;  // of every pc in it: innermost inlined first
    std::unordered_map<uint64_t, uint64_t> task_parents;       // of tasks that are part of another
    // What stopped the recorder, when it was not switched off: "panic: no such row", "a copy that the program asked for"; empty: nothing.
    std::string stopped_by;
    int64_t stopped_ns = 0;
    uint64_t stopped_g = 0;  // the goroutine concerned; 0: none
    uint64_t lost = 0;       // records that were overwritten before they could be read
};

// Moves events so that the whole can have happened: a goroutine is created before it is made ready, made ready before it runs, runs on one thread at
// a time, waits before it is made ready again; a processor is held by one thread at a time. Stamps only break ties: `ready` and `create` carry the last
// clock reading of their thread. Where a record was lost, what is missing is put in (a ready before a start, an end of waiting). Afterwards ns never decreases
// over the list. Returns how many events had to be invented.
uint64_t put_in_order(trace_window& w);

}  // namespace insp
