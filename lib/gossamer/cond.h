// SPDX-License-Identifier: BSL-1.0
// cond: a condition variable (SEMANTICS CO1 to CO3). Waiters are woken in the order in which they called wait(), none without a
// signal; but another may take the lock before the woken one, so the condition is looked at again.
#pragma once

namespace gossamer {

namespace rt {
struct sync_waiter;
}

class cond {
  public:
    // `lock` is held by whoever calls wait(): a mutex, a rw_mutex, its rlocker(), any type with lock() and unlock(). It is not copied
    // and must outlive the cond.
    template <class Lock>
    explicit cond(Lock& lock) noexcept
        : lock_(&lock),
          take_([](void* l) { static_cast<Lock*>(l)->lock(); }),
          let_go_([](void* l) { static_cast<Lock*>(l)->unlock(); }) {}
    cond(const cond&) = delete;
    cond& operator=(const cond&) = delete;

    // Lets go of the lock, sleeps until signal() or broadcast(), takes the lock again. A signal sent after the lock was let go is not
    // lost. REQUIRES: the lock is held.
    void wait();
    // Waits until holds() is true.
    template <class Predicate>
    void wait(Predicate holds) {
        while (!holds()) wait();
    }
    // Wakes the one that waits longest; no-op when none does. The lock may be held, but need not.
    void signal();
    // Wakes all that wait now.
    void broadcast();

  private:
    void* lock_;
    void (*take_)(void*);
    void (*let_go_)(void*);
    rt::sync_waiter* waiters_ = nullptr;  // under the lock that runtime/park/sema.h names
};

}  // namespace gossamer
