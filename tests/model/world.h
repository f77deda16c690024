// SPDX-License-Identifier: BSL-1.0
// world: what stands around the code under test: a fresh scheduler, its Ps, threads of both kinds; and below it a kernel of the checker's.
// Called by / on: the body of an exploration.
#pragma once

#include "runtime/park/park.h"
#include "runtime/sched/idle.h"
#include "tests/model/checker.h"

namespace gossamer::model {

// By how much each look at the clock moves it on; 0 in a new world.
extern int64_t clock_step;

// The one global, anew, with so many Ps, all of them idle.
void new_world(unsigned procs);

// timer_model.cc: the heaps that the last execution left.
void forget_timers();

// A thread that runs with M `m` (null: none yet).
void thread_on(const char* name, rt::M* m, std::function<void()> run);
// A plain thread: its M and its stand-in G are ready.
rt::M& plain_m();
inline void plain_thread(const char* name, std::function<void()> run) { thread_on(name, &plain_m(), std::move(run)); }
// A thread of the scheduler's that holds P number `p`, inside the runtime.
rt::M& scheduler_m(unsigned p);
// One that holds none, and is not yet in the list of the idle.
rt::M& idle_m();
// As rt::learn_thread(), and inside the runtime.
void learn_thread(rt::M& m);
// A goroutine that runs `run` when it is executed.
rt::G& goroutine(void (*run)() = nullptr);

}  // namespace gossamer::model
