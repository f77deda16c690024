// SPDX-License-Identifier: BSL-1.0
// syscall: announcing a call that may block the thread: the P goes to others at once, where an unannounced call costs them 50 us to 10 ms.
// Called by / on: a goroutine's stack, outside the runtime. On a plain thread both are empty.
#pragma once

namespace gossamer::rt {

// Gives the P away. Until end_blocking() the goroutine runs on without one and must not use the runtime.
void begin_blocking();
// Comes back: the old P if it is idle, any idle one, else the end of the global queue. (Any call into the runtime would do the same.)
void end_blocking();

}  // namespace gossamer::rt
