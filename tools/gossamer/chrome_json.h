// SPDX-License-Identifier: BSL-1.0
// chrome_json: a window as trace events in JSON: for chrome://tracing, speedscope and scripts. Ten times the bytes of perfetto.h's.
#pragma once

#include <cstdio>

#include "tools/gossamer/events.h"

namespace insp {

struct chrome_options {
    size_t most_goroutines = 1000;  // whose life is shown, not only their turns on processors: the busiest
};

// Throws error when the file cannot be written.
void write_chrome_json(const trace_window& w, FILE* out, const chrome_options& options = {});

}  // namespace insp
