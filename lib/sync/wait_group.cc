// SPDX-License-Identifier: BSL-1.0
// wait_group: the end of a round, and the sleep of those who wait for it.
// Called by / on: goroutines and plain threads.
// Invariants:
//   1 The lower half of state_ is the length of the list; it grows only while the upper half is above zero. Both change under
//     sema_lock(this) where the list does.
//   2 Who brings the upper half to zero while the lower is not, and only he, empties both and wakes them all. Until then their
//     frames keep the object alive; afterwards nobody touches it: not the waker, and not a waiter on its way out.
// Locks: sema_lock(this), rank sync.
// The race that matters: done() against wait(). Both are one exchange on state_: either wait() is counted first and done() sees it,
//   or the count is zero first and wait() does not sleep.
#include "gossamer/wait_group.h"

#include "gossamer/panic.h"
#include "runtime/base/atomic.h"
#include "runtime/park/sema.h"
#include "runtime/sched/spawn.h"

namespace gossamer {

bool detail::ends_by_goexit() noexcept { return rt::is_goexit(); }

[[gnu::noinline]] void wait_group::settle(uint64_t after, int32_t delta) {
    auto count = int32_t(after >> 32);
    auto waiting = uint32_t(after);
    if (count < 0) throw panic("sync: negative WaitGroup counter");
    if (waiting != 0 && delta > 0 && count == delta)
        throw panic("sync: WaitGroup misuse: Add called concurrently with Wait");
    if (count > 0 || waiting == 0) return;

    bool misused = false;
    {
        rt::in_runtime scope;
        rt::lock& list = rt::sema_lock(this);
        list.acquire_lock();
        misused = !state_.compare_exchange_strong(after, 0);
        rt::sync_waiter* first = misused ? nullptr : rt::take_all(waiters_);
        list.release_lock();
        rt::wake_all(first);
    }
    if (misused) throw panic("sync: WaitGroup misuse: Add called concurrently with Wait");
}

[[gnu::noinline]] void wait_group::wait_slow() {
    rt::in_runtime scope;
    rt::lock& list = rt::sema_lock(this);
    list.acquire_lock();
    uint64_t state = state_.load();
    do {
        if (state >> 32 == 0) {
            list.release_lock();
            return;
        }
    } while (!state_.compare_exchange_weak(state, state + 1));
    rt::sync_waiter self;
    self.g = rt::current_g();
    rt::push_back(waiters_, &self);
    rt::sleep_on(list, rt::wait_reason::wait_group_wait, this);
}

}  // namespace gossamer
