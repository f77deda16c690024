// SPDX-License-Identifier: BSL-1.0
// The checks of -Dlock_rank=true: a count per rank of what this thread holds.
#include "runtime/os/lock_rank.h"

#if defined(GOSSAMER_LOCK_RANK)
#include <cstddef>

#include "runtime/base/fatal.h"

namespace gossamer::rt {

namespace {
thread_local uint16_t held[size_t(lock_rank::kCount)];

[[gnu::noinline]] uint16_t* held_ranks() {
    uint16_t* p = held;
    asm volatile("" : "+r"(p));
    return p;
}
}  // namespace

void rank_acquire(lock_rank rank) {
    uint16_t* h = held_ranks();
    for (size_t r = size_t(rank) + (same_rank_allowed(rank) ? 1 : 0); r < size_t(lock_rank::kCount); r++)
        if (h[r] != 0) fatal("lock order: took rank %u while holding rank %u", unsigned(rank), unsigned(r));
    h[size_t(rank)]++;
}

void rank_release(lock_rank rank) {
    uint16_t* h = held_ranks();
    check(h[size_t(rank)] > 0, "a lock is released by the thread that took it");
    h[size_t(rank)]--;
}

}  // namespace gossamer::rt
#endif
