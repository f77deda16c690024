// SPDX-License-Identifier: BSL-1.0
// replay_why: why a goroutine ran so late: its last wait for a processor before a moment, what the processors did meanwhile, who woke it; then the same of the
// waker, as far back as the window goes.
#pragma once

#include <cstdint>
#include <vector>

#include "tools/gossamer/events.h"
#include "tools/gossamer/replay_state.h"

namespace insp {

struct share {
    uint64_t g = 0;  // 0: nobody
    int64_t ns = 0;
};

struct processor_share {
    int32_t p = 0;
    std::vector<share> by;  // the largest first; at most four
};

struct why_step {
    uint64_t g = 0;
    replay_life life = replay_life::unborn;  // at the moment
    int64_t at_ns = 0;                       // the moment
    // Its last wait for a processor.
    bool was_runnable = false, begin_known = false, has_run = false;
    int64_t runnable_ns = 0, run_ns = 0;  // since when; until when
    runnable_by how = runnable_by::unknown;
    uint64_t by = 0;
    std::vector<processor_share> meanwhile;
    // What it had waited for before that.
    bool has_waited = false, wait_known = false;  // wait_known: since when
    int64_t waited_ns = 0;
    uint8_t reason = 0;
    uint64_t object = 0, pc = 0;
};

// The first step is g at `ns`; each further one is who woke the one before.
std::vector<why_step> walk_back(const trace_window& w, uint64_t g, int64_t ns, size_t most);

}  // namespace insp
