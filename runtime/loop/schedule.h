// SPDX-License-Identifier: BSL-1.0
// schedule: an M's life: find a goroutine, run it until it gives way, again. Read this first.
// Called by / on: the M's own thread; g0 is the thread's own stack.
#pragma once

namespace gossamer::rt {

// The main function of a scheduler thread; m is its M, with a P given. Never returns. Declared in sched/sched.h too, as the one link upwards.
void m_main(void* m);

}  // namespace gossamer::rt
