// SPDX-License-Identifier: BSL-1.0
// modules: which files the process's code lies in, written into the box, so that a black box can be read when the process is gone.
// Called by / on: start_runtime(); then the signal thread, every ten seconds and when the process dies: what a dlopen() has added by then is in the box, too.
// Not done: looking from the monitor, which must not wait for the linker's lock.
#pragma once

namespace gossamer::rt {

// Adds to the box what it does not name yet. Allocates. One caller at a time.
void show_modules();

}  // namespace gossamer::rt
