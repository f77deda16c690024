// SPDX-License-Identifier: BSL-1.0
// semaphore: tokens and a queue under one lock.
// Called by / on: goroutines and plain threads.
// Invariants:
//   1 0 <= held_ <= size_.
//   2 The first of the list does not fit: whoever makes room, or takes the first away, calls grant() before dropping the lock.
//   3 Tokens are counted for a waiter when it is taken off the list; it returns without looking again.
// Locks: sema_lock(this), rank sync.
#include "gossamer/semaphore.h"

#include "gossamer/panic.h"
#include "runtime/park/sema.h"

namespace gossamer {

namespace {

struct token_waiter : rt::sync_waiter {
    int64_t wanted = 0;
};

void require_count(int64_t n) {
    if (n < 0) throw panic("semaphore: negative count");
}

}  // namespace

semaphore::semaphore(int64_t size) : size_(size) {
    if (size < 0) throw panic("semaphore: negative size");
}

// Takes those off the list who fit now, in order; the caller wakes them once it has dropped the lock.
rt::sync_waiter* semaphore::grant() {
    rt::sync_waiter* granted = nullptr;
    while (rt::sync_waiter* first = rt::front(waiters_)) {
        int64_t wanted = static_cast<token_waiter*>(first)->wanted;
        if (size_ - held_ < wanted) break;
        held_ += wanted;
        rt::pop_front(waiters_);
        first->granted = true;
        rt::push_back(granted, first);
    }
    return rt::take_all(granted);
}

void semaphore::acquire(int64_t n) {
    require_count(n);
    rt::in_runtime scope;
    rt::lock& list = rt::sema_lock(this);
    list.acquire_lock();
    if (size_ - held_ >= n && waiters_ == nullptr) {
        held_ += n;
        list.release_lock();
        return;
    }
    token_waiter self;
    self.g = rt::current_g();
    self.wanted = n;
    if (n <= size_) rt::push_back(waiters_, &self);
    rt::sleep_on(list, rt::wait_reason::semacquire, this);
}

bool semaphore::try_acquire(int64_t n) {
    require_count(n);
    rt::in_runtime scope;
    rt::lock_guard hold(rt::sema_lock(this));
    if (size_ - held_ < n || waiters_ != nullptr) return false;
    held_ += n;
    return true;
}

void semaphore::release(int64_t n) {
    require_count(n);
    bool too_many = false;
    {
        rt::in_runtime scope;
        rt::lock& list = rt::sema_lock(this);
        list.acquire_lock();
        too_many = n > held_;
        if (!too_many) held_ -= n;
        rt::sync_waiter* granted = too_many ? nullptr : grant();
        list.release_lock();
        rt::wake_all(granted);
    }
    if (too_many) throw panic("semaphore: released more than held");
}

int64_t semaphore::held() const {
    rt::in_runtime scope;
    rt::lock_guard hold(rt::sema_lock(this));
    return held_;
}

}  // namespace gossamer
