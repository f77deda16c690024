// SPDX-License-Identifier: BSL-1.0
// perfetto: a window as a picture for https://ui.perfetto.dev: the processors, the goroutines that did something, arrows from who woke to who was woken.
#pragma once

#include <cstdio>

#include "tools/gossamer/events.h"

namespace insp {

struct perfetto_options {
    size_t most_goroutines = 4000;  // with a track of their own: the busiest. The rest are summed by name
};

// Throws error when the file cannot be written.
void write_perfetto(const trace_window& w, FILE* out, const perfetto_options& options = {});

}  // namespace insp
