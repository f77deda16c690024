// SPDX-License-Identifier: BSL-1.0
// stack_report: what sched/stack_watch.h has found, as a table with names.
// Called by / on: any thread, any stack.
#pragma once

#include <string>

namespace gossamer::rt {

std::string stack_report();

}  // namespace gossamer::rt
