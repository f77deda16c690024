// SPDX-License-Identifier: BSL-1.0
// snapshot: the state of a process as its box shows it at one moment, in plain structs: what ps, top, tree, wait, obj, leaks, stalls and metrics work on.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "tools/gossamer/target.h"

namespace insp {

enum class g_state : uint8_t { fresh, runnable, running, waiting };  // fresh: runnable, has not begun
const char* words(g_state s);                                        // "runnable", "runnable", "running", "waiting"

struct goroutine {
    uint64_t id = 0;
    uint64_t creator_id = 0;
    uint64_t address = 0;        // of the G
    uint64_t creator_pc = 0;     // return address of the go(); 0: none
    uint64_t invoke_pc = 0;      // start function
    uint64_t site_pc = 0;        // waiting: return address of the call that waits; else 0
    uint64_t object = 0;         // waiting: what for; 0: nothing to point at
    uint64_t context = 0;        // saved stack pointer while it is off its stack
    uint64_t stack = 0;          // address of its struct stack; 0: none yet
    int64_t waits_since_ns = 0;  // monotonic; 0: not known
    std::string_view name;       // empty: none; the target keeps it
    g_state state = g_state::fresh;
    uint8_t reason = 0;      // rt::wait_reason
    bool is_thread = false;  // a plain thread's stand-in
    bool is_system = false;
    bool is_locked = false;  // lock_os_thread
    int32_t thread = -1;     // index into snapshot::threads of who runs it; -1: nobody
};

struct processor {
    uint32_t id = 0;
    const char* status = "";       // "idle", "running", "retired"
    int32_t thread = -1;           // index into snapshot::threads
    uint64_t running = 0;          // goroutine id; 0: none
    uint64_t next = 0;             // goroutine id in the next slot
    std::vector<uint64_t> queue;   // goroutine ids, first to run first
    uint32_t tick = 0, turn = 0;   // slices begun; picks
    int64_t next_deadline_ns = 0;  // monotonic; 0: no timer
    uint64_t created = 0, ended = 0;
};

struct thread {
    uint32_t number = 0;  // 0: a plain thread
    uint64_t tid = 0;
    bool is_plain = false, parked = false, searching = false, blocking = false, in_runtime = false;
    int32_t processor = -1;  // id
    uint64_t running = 0;    // goroutine id
    uint64_t address = 0;    // of the M
    uint64_t ring = 0;       // address of its trace_ring; 0: none
};

struct snapshot {
    int64_t taken_ns = 0;  // monotonic
    int64_t taken_real_ns = 0;
    std::vector<goroutine> goroutines;  // without dead ones; by id
    std::vector<processor> processors;
    std::vector<thread> threads;
    std::vector<std::pair<std::string, uint64_t>>
        counters;                          // "steal", …: sums over all threads, in the order of runtime::counters
    std::vector<uint64_t> wait_histogram;  // [i]: runnable waits of 2^i to 2^(i+1) ns that were sampled (1 in 64)
    uint32_t procs = 0, idle_procs = 0, searching = 0, blocking = 0, global_queue = 0;
    const goroutine* find(uint64_t id) const;  // null: not there
};

// Reads it all. Throws insp::error. With the target running, a goroutine that moves meanwhile is shown as it was or as it is.
snapshot take_snapshot(const target& t);

// "chan receive", "sync.Mutex.Lock", … as in dumps.
const char* reason_words(uint8_t reason);

}  // namespace insp
