// SPDX-License-Identifier: BSL-1.0
// schedtrace: GOSSAMER_DEBUG=schedtrace=MS: a line about the scheduler on the standard error every so often, as Go prints (SEMANTICS D3).
// Called by / on: the monitor.
#pragma once

#include <cstdint>

namespace gossamer::rt {

// When the next line is due; INT64_MAX: none is wanted.
int64_t next_sched_line();
// Prints it when it is due.
void tend_sched_lines(int64_t now);

}  // namespace gossamer::rt
