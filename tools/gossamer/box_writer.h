// SPDX-License-Identifier: BSL-1.0
// box_writer: writes a target's box as a file of its own, which every command takes as TARGET: a window. Holes stay holes; what the process keeps outside of
// its box for want of room comes in; the rings are straight ones, as long as what they hold.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "tools/gossamer/rings.h"
#include "tools/gossamer/target.h"

namespace insp {

struct saved_ring {
    uint64_t tid = 0;
    uint32_t number = 0;
    bool is_plain = false;
    uint64_t lost = 0;
    std::vector<std::span<const box::record>> pieces;  // each begins with a block, and so does the one behind it
};
// The same records, where they lie.
std::vector<saved_ring> as_saved(const std::vector<ring_copy>& rings);

struct box_times {
    uint64_t since_ticks = 0;  // the rings are whole since; 0: nothing was recorded
    bool until_end = false;    // they were written until the reading of the clocks below
    uint64_t end_ticks = 0;    // 0: as the box says
    int64_t end_ns = 0;
};

// Throws error, in the name of `path`, when the file cannot be written.
void write_box(const target& t, const std::vector<saved_ring>& rings, const box_times& times, int fd,
               const std::string& path);

}  // namespace insp
