// SPDX-License-Identifier: BSL-1.0
// sysmon: the watcher: a thread that is no M and holds no P. Takes Ps from threads that block or compute too long, and repairs what the
// fast paths leave to chance.
// Called by / on: its own thread, started with the runtime.
// What it does at each look, 20 us to 10 ms apart, asleep for good while every P is idle:
//   1 a P whose holder is outside the runtime and asleep in the kernel (its CPU clock stood still over 50 us): taken, given to another M
//   2 a P whose slice has lasted 10 ms while others wait: asked to yield; 50 us later taken, if its holder is outside
//   3 a queued G, a due timer or the network that nobody serves although a P is idle: an M is woken
//   4 the network when nobody has looked for 10 ms; memory of stacks that were not wanted for a second
#pragma once

#include <cstdint>

namespace gossamer::rt {

void start_sysmon();

}  // namespace gossamer::rt
