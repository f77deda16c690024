// SPDX-License-Identifier: BSL-1.0
// mcall: leaving a goroutine's stack: to the next goroutine straight away, or to the M's g0, where the loop stands.
// Called by / on: park, yield, enter_slow on a G's stack; the loop on g0 (execute). Always inside the runtime.
// Invariants:
//   1 Whoever leaves a context stores in the M where its saved context belongs (save_context) and what is to be done for it once it is off
//     its stack (after_switch). Whoever lands does both, first thing. So nobody can run a G before its context is saved.
//   2 Exception globals and errno travel with the G: swapped on the raw words when it leaves and when it lands.
//   3 in_runtime belongs to the M; its depth is saved on the G's stack and put into the M on which the G lands.
//   4 Who holds locks of its thread leaves for g0, whatever is queued, and nobody else runs on that thread until it is back (loop/wired.h).
//   5 A fresh G is run on the stack that is there when the one before it has ended: a call, no switch.
// Not done: every switch through g0: two switches in place of one (measured: runtime/RATIONALE.md).
#pragma once

#include "runtime/sched/migrate.h"
#include "runtime/sched/sched.h"
#include "runtime/sched/trace.h"
#include "runtime/stack/context.h"

namespace gossamer::rt {

// Looks at the queue of the caller's own P. For a G that parks, what it started itself and nobody has begun goes first, the newest of it: a
// fork-join tree is then walked depth first, in a few warm stacks, not breadth first in thousands. As with the next slot the slice goes on.
// Null when it is empty or when the loop should have a turn first (every 64th pick, or somebody
// asks for attention).
inline bool is_loops(uint32_t turn) { return turn % 64 == 0; }
inline G* pick_local(M* m, const G* parking = nullptr) {
    if constexpr (kMigrate) return nullptr;
    P* p = m->p;
    uint32_t turn = p->turn.load(relaxed) + 1;  // owner's own; pairs with nothing
    if (is_loops(turn) ||
        (m->attention.load(relaxed) & ~kFence) != 0)  // pairs with fetch_or of who asks; a late look is only late
        [[unlikely]]
        return nullptr;
    G* g = get_next(p);
    if (g == nullptr && parking != nullptr) g = get_own_child(p, parking);
    if (g == nullptr) {
        g = get_head(p);
        if (g == nullptr) return nullptr;
        p->tick.store(p->tick.load(relaxed) + 1, relaxed);  // owner's own; sysmon guesses
    }
    p->turn.store(turn, relaxed);  // owner's own; pairs with nothing
    return g;
}

// Leaves g for `next` (null: g0); returns when g runs again, perhaps on another M. m->after_switch is set by the caller. `how`: for the recorder.
void switch_from_g(M* m, G* g, G* next, leave_kind how);

// Runs g until somebody switches back to g0. On g0.
void execute(M* m, G* g);

// Puts g behind all others and switches to g0 (Go's Gosched from the monitor's request). On g's stack.
void give_up_slice(M* m, G* g);

// Gives the loop a turn and runs on: g waits in the next slot meanwhile. On g's stack.
void visit_loop(M* m, G* g);

// The words of __cxa_get_globals and errno of the calling thread, kept in its M.
void learn_thread(M* m);

}  // namespace gossamer::rt
