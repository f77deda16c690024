// SPDX-License-Identifier: BSL-1.0
// g_chunk: pointers to Gs by the hundred. What crosses Ps in bulk (the global queue, the central list of dead Gs) moves as chunks, so that nobody
// touches the Gs themselves: with a million of them each touch is a cache miss (measured: runtime/RATIONALE.md).
// Called by / on: the owner of the chunk; whose it is, the lists say that use it.
#pragma once

#include <cstdint>

#include "runtime/sched/g.h"

namespace gossamer::rt {

inline constexpr uint32_t kChunkGs = 254;

struct g_chunk {
    g_chunk* next = nullptr;
    uint32_t first = 0;  // gs[first, last) are in it
    uint32_t last = 0;
    G* gs[kChunkGs];
};
static_assert(sizeof(g_chunk) == 2048);

// Empty. Never null: out of memory is fatal. Any thread inside the runtime.
g_chunk* new_chunk();
void free_chunk(g_chunk* c);

}  // namespace gossamer::rt
