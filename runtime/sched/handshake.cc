// SPDX-License-Identifier: BSL-1.0
#include "runtime/sched/handshake.h"

namespace gossamer::rt {

bool seize(M* victim, P* p, void (*act)(M*, P*, void*), void* arg) {
    count(event::handshake);
    if (!victim->seizing.try_acquire()) {
        count(event::refused_handshake);
        return false;
    }
    victim->attention.fetch_or(kSeizing);
    os::heavy_fence();
    bool outside = victim->in_runtime.load(acquire) == 0 &&  // pairs with the release store in leave()
                   victim->p == p;
    if (outside) act(victim, p, arg);
    victim->attention.fetch_and(~kSeizing, release);  // pairs with the acquire load in enter_slow()
    victim->seizing.release_lock();
    if (!outside) count(event::refused_handshake);
    return outside;
}

}  // namespace gossamer::rt
