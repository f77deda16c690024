// SPDX-License-Identifier: BSL-1.0
// spin: when waiting awake for a lock can pay: its holder runs on another core at this moment and is about to let go.
// Called by / on: goroutines and plain threads, no lock held.
#pragma once

namespace gossamer::rt {

// Go's conditions (SEMANTICS MU8): fewer than four rounds so far, several cores, another P at work, nothing else to run here.
bool worth_spinning(unsigned rounds);
// One round: some tens of nanoseconds.
void spin_round();

}  // namespace gossamer::rt
