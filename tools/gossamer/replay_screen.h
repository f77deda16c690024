// SPDX-License-Identifier: BSL-1.0
// replay_screen: a moment of a window, for people and as JSON.
#pragma once

#include <string>

#include "tools/gossamer/replay_state.h"
#include "tools/gossamer/replay_why.h"

namespace insp {

// Processors with what they run, runnable goroutines by name, waiting ones by what they wait for. At most `most` groups of each.
std::string state_as_text(const trace_window& w, const replay_state& s, size_t most);
std::string state_as_json(const trace_window& w, const replay_state& s, size_t most);
std::string why_as_text(const trace_window& w, const std::vector<why_step>& steps);
std::string why_as_json(const trace_window& w, const std::vector<why_step>& steps);
// The events of one goroutine around a moment: so many before it, and behind it.
std::string steps_as_text(const trace_window& w, uint64_t g, int64_t ns, size_t around);
std::string steps_as_json(const trace_window& w, uint64_t g, int64_t ns, size_t around);

}  // namespace insp
