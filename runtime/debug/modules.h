// SPDX-License-Identifier: BSL-1.0
// modules: which files the process's code lies in, written into the box, so that a black box can be read when the process is gone.
// Called by / on: start_runtime(). What is loaded later is named for a living process alone.
#pragma once

namespace gossamer::rt {

// Adds those of this moment to the box. Allocates.
void show_modules();

}  // namespace gossamer::rt
