// SPDX-License-Identifier: BSL-1.0
// window_names: who the goroutines of a window are, and what its addresses are called.
#pragma once

#include <vector>

#include "tools/gossamer/events.h"
#include "tools/gossamer/snapshot.h"
#include "tools/gossamer/window.h"
#include "tools/gossamer/window_decode.h"

namespace insp {

// Fills in w.goroutines: those of the table, those that were born in the window, and those that an event only names.
void name_goroutines(const target& t, trace_window& w, const snapshot& s, const std::vector<birth>& births,
                     const window_options& options);
// Fills in w.names: every address of code in the events, the stacks and the goroutines.
void name_addresses(const target& t, trace_window& w);

}  // namespace insp
