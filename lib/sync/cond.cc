// SPDX-License-Identifier: BSL-1.0
// cond: a waiter queues itself before it lets go of the user's lock, so the order is that of the calls of wait(), and a signal that
// comes between letting go and sleeping finds it in the list (Go's tickets, with the list as the ticket counter).
// Called by / on: goroutines and plain threads.
// Invariants:
//   1 A waiter's phase goes queued → asleep → woken, or queued → woken. asleep is set by its park's commit, woken by who took it off
//     the list; ready() is called by who turned asleep into woken.
//   2 A node may die as soon as its phase is woken: all that is needed of it is read before.
// Locks: sema_lock(this), rank sync; the user's lock is called with none held and outside of the runtime.
// The race that matters: signal against a waiter that is queued and not yet asleep. Both exchange the phase: the commit that finds
//   woken does not sleep; the waker that finds asleep makes it ready.
#include "gossamer/cond.h"

#include "runtime/base/atomic.h"
#include "runtime/park/sema.h"

namespace gossamer {

namespace {

enum class phase : uint32_t { queued, asleep, woken };

struct cond_waiter : rt::sync_waiter {
    rt::atomic<phase> now{phase::queued};
};

// The phase after which the node is gone; true when its G sleeps and wants ready().
bool mark_woken(rt::sync_waiter* w) {
    return static_cast<cond_waiter*>(w)->now.exchange(phase::woken) == phase::asleep;
}

}  // namespace

void cond::wait() {
    cond_waiter self;
    {
        rt::in_runtime scope;
        self.g = rt::current_g();
        rt::lock& list = rt::sema_lock(this);
        list.acquire_lock();
        rt::push_back(waiters_, &self);
        list.release_lock();
    }
    let_go_(lock_);
    {
        rt::in_runtime scope;
        rt::park(
            [](rt::G*, void* w) {
                phase queued = phase::queued;
                return static_cast<cond_waiter*>(w)->now.compare_exchange_strong(queued, phase::asleep);
            },
            &self, rt::wait_reason::cond_wait, this);
    }
    take_(lock_);
}

void cond::signal() {
    rt::in_runtime scope;
    rt::lock& list = rt::sema_lock(this);
    list.acquire_lock();
    rt::sync_waiter* first = rt::pop_front(waiters_);
    list.release_lock();
    if (first == nullptr) return;
    rt::G* g = first->g;
    if (mark_woken(first)) rt::ready(g);
}

void cond::broadcast() {
    rt::in_runtime scope;
    rt::lock& list = rt::sema_lock(this);
    list.acquire_lock();
    rt::sync_waiter* w = rt::take_all(waiters_);
    list.release_lock();
    // Those who sleep are linked anew through their Gs, because their nodes end with the exchange.
    rt::G* head = nullptr;
    rt::G** tail = &head;
    rt::G* last = nullptr;
    while (w != nullptr) {
        rt::G* g = w->g;
        rt::sync_waiter* next = w->next;
        if (mark_woken(w)) {
            if (last != nullptr) {
                *tail = last;
                tail = &last->next;
            }
            last = g;
        }
        w = next;
    }
    *tail = nullptr;
    if (head != nullptr) rt::ready_batch(head);
    if (last != nullptr) rt::ready(last);
}

}  // namespace gossamer
