// SPDX-License-Identifier: BSL-1.0
// profiles: what a window says about waiting, as profiles: where, how often and how long. Stacks are as the recorder took them; without them (level 2) a
// stack is the one call that is known.
#pragma once

#include <string_view>

#include "tools/gossamer/pprof.h"

namespace insp {

// Waits that began and ended in the window, by the place that waited: until the goroutine ran again.
profile block_profile(const trace_window& w);

// Of these, those for a sync.Mutex or sync.RWMutex, by who made them wait: the goroutine that unlocked, where it is known to have been with this mutex. The
// label "place" says what that is: "lock", where it had waited for the mutex itself; else "start", the function it began with.
profile mutex_profile(const trace_window& w);

// Times from wanting a processor to having one, by the place that made the goroutine. The label "since" says what made it runnable.
profile runnable_profile(const trace_window& w);

// What a reader does not look for goes: the runtime's own frames at both ends of each stack, and what of it was inlined elsewhere; the library's outermost
// frames; with `hide_library`, its innermost too. A stack of nothing else stays. REQUIRES: p.names.
void tidy(profile& p, bool hide_library = false);

}  // namespace insp
