// SPDX-License-Identifier: BSL-1.0
// g_table: where Gs live: slabs that are never unmapped; free ones cached per P, the rest central.
// Called by / on: owner of a P inside the runtime (take, put); anybody (for_each_g).
// Invariant: 1 a G is free in exactly one list, or in use. 2 slabs are append-only, so a reader needs no lock.
// Locks: all_g, for the slab table. The central list of dead Gs is a lock-free stack of chunks (Boost.Lockfree).
#pragma once

#include "runtime/sched/p.h"

namespace gossamer::rt {

// A dead G. p may be null (no P). Never null: out of memory is fatal.
G* take_g(P* p);
void put_g(P* p, G* g);
void flush_gs(P* p);

// Calls fn for each G that is not dead, stand-ins of plain threads included. The Gs go on running meanwhile; a field may be stale.
void for_each_g(void (*fn)(G* g, void* arg), void* arg);

}  // namespace gossamer::rt
