// SPDX-License-Identifier: BSL-1.0
// wait_group: the end of a round, and the sleep of those who wait for it. The first to wait, most often the only one, needs no lock.
// Called by / on: goroutines and plain threads.
// Invariants:
//   1 Who sets kFirst in state_ stores itself in first_ once it is off its stack. The others are counted in state_ and listed in others_
//     under sema_lock(this). Both happen only while the upper half is above zero.
//   2 Who brings the upper half to zero while the lower is not, and only he, empties all three and wakes them all. Until then their
//     frames keep the object alive; afterwards nobody touches it: not the waker, and not a waiter on its way out.
// Locks: sema_lock(this), rank sync.
// The race that matters: done() against wait(). Both are one exchange on state_: either wait() is counted first and done() sees it,
//   or the count is zero first and wait() does not sleep. Between kFirst and first_ lies one switch: done() spins for so long.
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

    rt::in_runtime scope;
    rt::sync_waiter first;
    if ((waiting & kFirst) != 0) {
        // pairs with the store in wait_slow()
        for (unsigned round = 0; (first.g = first_.load(rt::acquire)) == nullptr; round++) rt::back_off(round);
        first_.store(nullptr, rt::relaxed);  // pairs with nothing: state_ publishes it to the next round
    }
    if ((waiting & ~kFirst) != 0) {
        rt::lock& list = rt::sema_lock(this);
        list.acquire_lock();
        first.next = rt::take_all(others_);
        list.release_lock();
    }
    bool misused = state_.load(rt::relaxed) != after;  // pairs with the exchange in add()
    state_.store(0, rt::release);                      // pairs with the exchanges of the next round
    rt::wake_all(first.g != nullptr ? &first : first.next);
    if (misused) throw panic("sync: WaitGroup misuse: Add called concurrently with Wait");
}

[[gnu::noinline]] void wait_group::wait_slow() {
    rt::in_runtime scope;
    uint64_t state = state_.load();
    while (state >> 32 != 0 && uint32_t(state) == 0) {
        if (!state_.compare_exchange_weak(state, state | kFirst)) continue;
        return rt::park(
            [](rt::G* g, void* first) {
                static_cast<rt::atomic<rt::G*>*>(first)->store(g, rt::release);  // pairs with the load in settle()
                return true;
            },
            &first_, rt::wait_reason::wait_group_wait, this);
    }
    rt::lock& list = rt::sema_lock(this);
    list.acquire_lock();
    state = state_.load();
    do {
        if (state >> 32 == 0) {
            list.release_lock();
            return;
        }
    } while (!state_.compare_exchange_weak(state, state + 1));
    rt::sync_waiter self;
    self.g = rt::current_g();
    rt::push_back(others_, &self);
    rt::sleep_on(list, rt::wait_reason::wait_group_wait, this);
}

}  // namespace gossamer
