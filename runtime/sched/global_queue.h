// SPDX-License-Identifier: BSL-1.0
// global_queue: the overflow of all rings, and where Gs go that no P owns: a first-in first-out list of chunks.
// Called by / on: anybody inside the runtime.
// Invariants: 1 FIFO over single Gs and batches. 2 no chunk in the list is empty. 3 size() is exact under the lock, a guess without it.
// Locks: its own, rank sched. new_chunk() is called outside of it.
#pragma once

#include "runtime/os/lock.h"
#include "runtime/sched/g_chunk.h"

namespace gossamer::rt {

class global_queue {
  public:
    void push(G* g);
    // gs[0 … n) in order; n <= kChunkGs.
    void push_many(G* const* gs, uint32_t n);
    // Up to `most` Gs in queue order; returns how many.
    uint32_t pop_many(G** out, uint32_t most);
    uint32_t size() const { return size_.load(); }
    bool maybe_empty() const { return size_.load(relaxed) == 0; }  // a guess; pairs with the stores under the lock

  private:
    lock lock_{lock_rank::sched};
    g_chunk* head_ = nullptr;  // under lock_
    g_chunk* tail_ = nullptr;  // under lock_
    atomic<uint32_t> size_{0};
};

}  // namespace gossamer::rt
