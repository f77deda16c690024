// SPDX-License-Identifier: BSL-1.0
// trace: the recorder: each thread writes what happens on it into a ring of its own in the box (box/layout.h), while somebody wants it.
// Called by / on: sched, park and loop at each event, on the thread it happens on; set_recorder(): any thread.
// Invariants:
//   1 M::trace is null while nothing is recorded: one load and one branch on a line that is at hand. A ring is written by its M's thread alone.
//   2 One reading of the clock for a switch, shared by the one who leaves and the one who starts. What is made ready or created carries the thread's last
//     reading, or the monitor's if that is later: wrong by the monitor's nap at most (while recording 5 ms, 1 ms once a slice lasts longer), and readers put it in order by what can have happened.
//   3 A group of records does not cross a block, and each block begins with who runs here: a reader may begin at any block.
// The race that matters: a reader of another process copies a ring while it is written. It reads the position before and after, and drops what may have
//   been overwritten in between, and one block more.
// Not done: times as differences, numbers as varints (half the bytes, twice the time); a clock reading for each `ready` (10 ns of the 20 that a round trip
//   through a channel may cost).
#pragma once

#include "runtime/box/box.h"
#include "runtime/sched/sched.h"

namespace gossamer::rt {

inline bool recording(const M* m) { return m->trace.load(relaxed) != nullptr; }  // pairs with nothing: late is as good

// How a goroutine leaves its thread: the kind of its record.
using leave_kind = box::kind;

// g leaves m's thread; `next` (may be null) goes on there at once. REQUIRES for all: recording(m), m is the caller's.
void trace_switch(M* m, const G* g, leave_kind how, const G* next);
void trace_ready(M* m, const G* g);
void trace_create(M* m, const G* g);
// A record without more: id << 24 | low, or a number << 24 | low.
void trace_plain(M* m, box::kind what, uint64_t high, uint32_t low);
// Region, task, log, counter of the goroutine that runs here. text: at most kMostText bytes, cut there. Any goroutine or thread; nothing when nothing is recorded.
inline constexpr size_t kMostText = 1024;
void trace_text(box::kind what, uint64_t first, uint64_t second, const char* text, size_t bytes);

inline void trace_start(M* m, const G* g) {
    trace_plain(m, box::kind::start, g->id.load(relaxed),
                m->p != nullptr ? m->p->id : box::kNoP);  // own; pairs with nothing
}

inline void trace_p(M* m, box::kind what, const P* p) {
    if (recording(m)) [[unlikely]]
        trace_plain(m, what, 0, p->id);
}

inline constexpr uint32_t kEventsLevel = 2, kStacksLevel = 3;  // of box::control::level
// 0: off; kEventsLevel: on; kStacksLevel: with the callers of each block and go(). Rings are made where there are none. Any thread.
void set_recorder(uint32_t level);
// The monitor's: does what was asked from outside, and gives the rings its clock. True while recording.
bool tend_recorder();
// A trigger: the rings stop, and the box says why. Any thread.
void freeze_recorder(box::cause why, uint64_t g);
// Likewise, of a process that dies: on any stack, also in a signal handler; nothing when nothing is recorded.
void freeze_for_death(box::cause why, const G* g);
// GOSSAMER_TRACE=path: records from now on, and writes a copy of the box to the path when the process ends, however that comes about. ring_bytes: as in
// box::control.
void trace_until_the_end(const char* path, bool with_their_stacks, uint32_t ring_bytes);
// The process ends: writes it. Once; nothing without such a path. Callable where freeze_for_death() is.
void save_last_trace();
// A copy of the box now, which says that it was asked for. As save_box().
int save_trace(const char* to);
// For a new M, before it runs.
void adopt_ring(M* m);

// One wait for a processor in 64 is timed.
void probe_ready(G* g);
void probe_start(M* m, G* g);

}  // namespace gossamer::rt
