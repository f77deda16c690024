// SPDX-License-Identifier: BSL-1.0
// mutex: the slow paths: queueing, waking, and the rule against starvation (Go's, SEMANTICS MU5 to MU8).
// Called by / on: goroutines and plain threads.
// Invariants:
//   1 kWaiters is set exactly when the list is not empty. It, and the list, change under sema_lock(this).
//   2 kWoken is set by the one awake contender and cleared when it takes the lock or queues again; both while the word says locked,
//     so the holder's unlock sees the truth. At most one contender is awake on its behalf.
//   3 kStarving is set only while locked, by a waiter that is in the list at the end of the same critical section. Then unlock()
//     keeps kLocked and gives the lock to the first of the list; nobody else can take it.
//   4 A mutex that is free with waiters in its list has kWoken set.
//   5 Quiet (no bit of kLoudest set), nobody but the holder changes the word while it is locked: unlock() looks and stores (os/restartable.h), and would
//     store over it. Loud, unlock() exchanges. Who makes it loud does so under sema_lock(this) and fences before it lets go of that: whoever finds it
//     loud there knows that no unlock() stores any more. kWaiters is set only while loud, and keeps it so; so kWoken and kStarving are, too.
// Locks: sema_lock(this), rank sync.
// The race that matters: unlock against a newcomer that queues. The newcomer sets kWaiters by a compare-exchange that demands kLocked,
//   so the unlock that follows sees it; an unlock that came before makes the newcomer's exchange fail, and it takes the lock. An unlock that is
//   between its look and its store: invariant 5.
// Not done: handing over always (a context switch for each critical section of a busy mutex), owners (Go's are not owned, MU2).
#include "gossamer/mutex.h"

#include "lib/sync/spin.h"
#include "runtime/base/atomic.h"
#include "runtime/base/event.h"
#include "runtime/base/fatal.h"
#include "runtime/os/os.h"
#include "runtime/os/restartable.h"
#include "runtime/park/sema.h"

namespace gossamer {

namespace {
constexpr int64_t kStarvationNs = 1'000'000;
}

bool mutex::try_lock() noexcept {
    uint32_t old = state_.load(rt::relaxed);  // pairs with nothing: the exchange decides
    while ((old & (kLocked | kStarving)) == 0)
        if (state_.compare_exchange_weak(old, old | kLocked, rt::acquire, rt::relaxed)) {  // pairs with unlock()
            note_holder();
            return true;
        }
    return false;
}

[[gnu::noinline]] void mutex::lock_slow() {
    rt::sync_waiter self;
    int64_t wait_start = 0;
    bool starving = false;
    bool awake = false;  // kWoken is on our behalf
    unsigned spins = 0;
    uint32_t old = state_.load(rt::relaxed);  // pairs with nothing: the exchanges below decide
    for (;;) {
        if ((old & (kLocked | kStarving)) == 0) {
            uint32_t mine = (old | kLocked) & (awake ? ~kWoken : ~0u);
            if (state_.compare_exchange_weak(old, mine, rt::acquire, rt::relaxed))  // pairs with unlock()
                return;
            continue;
        }
        if ((old & kStarving) == 0 && rt::worth_spinning(spins)) {
            // Tell unlock() that it need not wake anybody.
            if (!awake && (old & (kWoken | kWaiters)) == kWaiters &&
                state_.compare_exchange_strong(old, old | kWoken, rt::relaxed,
                                               rt::relaxed))  // pairs with nothing: a hint
                awake = true;
            rt::spin_round();
            spins++;
            old = state_.load(rt::relaxed);  // pairs with nothing: the exchanges decide
            continue;
        }

        rt::in_runtime scope;
        rt::count(rt::event::mutex_wait);
        rt::lock& list = rt::sema_lock(this);
        list.acquire_lock();
        old = state_.load(rt::relaxed);  // pairs with nothing: the exchange below decides
        bool queued = false;
        while ((old & (kLocked | kStarving)) != 0) {
            if (old < kLoud && rt::os::has_restart_fence()) {
                if (!state_.compare_exchange_strong(old, old | kLoudest, rt::relaxed,
                                                    rt::relaxed))  // pairs with nothing: the fence orders
                    continue;
                rt::os::restart_fence();
                old = state_.load(rt::relaxed);  // pairs with nothing: as above; an unlock() may have stored over it
                continue;
            }
            uint32_t mine = (old | kWaiters | (starving ? kStarving : 0)) & (awake ? ~kWoken : ~0u);
            if (state_.compare_exchange_weak(old, mine, rt::relaxed,
                                             rt::relaxed)) {  // pairs with nothing: the list's lock orders
                queued = true;
                break;
            }
        }
        if (!queued) {  // let go in between
            list.release_lock();
            continue;
        }
        self.g = rt::current_g();
        self.granted = false;
        if (wait_start == 0) {
            wait_start = rt::os::now_ns();
            rt::push_back(waiters_, &self);
        } else {
            rt::push_front(waiters_, &self);  // it has waited longest (MU5)
        }
        rt::sleep_on(list, rt::wait_reason::mutex_lock, this);

        int64_t waited = rt::os::now_ns() - wait_start;
        if (self.granted) {
            // Ours already. Back to normal when nobody is behind us or we did not wait long (MU7).
            old = state_.load(rt::acquire);  // pairs with the exchange of hand_over in unlock_slow()
            while ((old & kStarving) != 0 && ((old & kWaiters) == 0 || waited < kStarvationNs))
                if (state_.compare_exchange_weak(old, old & ~kStarving, rt::relaxed,
                                                 rt::relaxed))  // pairs with nothing: we hold it
                    break;
            return;
        }
        starving = starving || waited > kStarvationNs;
        awake = true;
        spins = 0;
        old = state_.load(rt::relaxed);  // pairs with nothing: the exchanges above decide
    }
}

void mutex::unlock() {
    if (!rt::os::replace_if(state_, kLocked, 0)) [[unlikely]]  // pairs with the acquire exchanges that take the lock
        unlock_slow();
}

[[gnu::noinline]] void mutex::unlock_slow() {
    uint32_t old = state_.load(rt::relaxed);  // pairs with nothing: only the holder clears kLocked
    for (;;) {
        if ((old & kLocked) == 0) rt::fatal("sync: unlock of unlocked mutex");
        if ((old & kWaiters) != 0 && ((old & kStarving) != 0 || (old & kWoken) == 0)) break;
        uint32_t freed = old & ~(kLocked | kStarving);
        if ((old & kWaiters) == 0 && old >= kLoud) freed -= kLoud;
        if (state_.compare_exchange_weak(old, freed, rt::release,
                                         rt::relaxed))  // pairs with the acquire exchanges that take the lock
            return;
    }

    // The lock is let go only under the list's lock, together with the choice of whom to wake: afterwards `this` may be gone.
    rt::in_runtime scope;
    rt::lock& list = rt::sema_lock(this);
    list.acquire_lock();
    old = state_.load(rt::relaxed);  // pairs with nothing: the exchange below decides
    rt::sync_waiter* first = nullptr;
    bool hand_over = false;
    bool only = rt::front(waiters_) == waiters_;
    for (;;) {
        if ((old & kLocked) == 0) {
            list.release_lock();
            rt::fatal("sync: unlock of unlocked mutex");
        }
        hand_over = (old & (kWaiters | kStarving)) == (kWaiters | kStarving);
        bool wake = hand_over || (old & (kWaiters | kWoken)) == kWaiters;
        uint32_t next = old;
        if (!hand_over) next &= ~(kLocked | kStarving);
        if (wake && only) next &= ~kWaiters;
        if (wake && !hand_over) next |= kWoken;
        if (state_.compare_exchange_weak(old, next, rt::release,
                                         rt::relaxed)) {  // pairs with the acquire exchanges that take the lock
            if (wake) first = rt::pop_front(waiters_);
            break;
        }
    }
    if (first != nullptr) first->granted = hand_over;
    list.release_lock();
    if (first == nullptr) return;
    rt::ready(first->g);
    if (hand_over) rt::yield();  // our time slice goes with it (MU6)
}

}  // namespace gossamer
