// SPDX-License-Identifier: BSL-1.0
// semaphore: tokens and a queue under one lock.
// Called by / on: goroutines and plain threads.
// Invariants:
//   1 0 <= held_ <= size_.
//   2 The first of the list does not fit: whoever makes room, or takes the first away, calls grant() before dropping the lock.
//   3 Tokens are counted for a waiter when it is taken off the list; it returns without looking again.
//   4 A waiter with a context waits on a channel of its own, so that it can select; who grants closes it after the lock is dropped. Its
//     frame is good until then: granted and cancelled at once, it waits for the close before it gives the tokens back.
// Locks: sema_lock(this), rank sync; no channel is touched under it (a channel's lock comes before).
#include "gossamer/semaphore.h"

#include "gossamer/chan.h"
#include "gossamer/context.h"
#include "gossamer/panic.h"
#include "gossamer/select.h"
#include "runtime/park/sema.h"

namespace gossamer {

namespace {

struct token_waiter : rt::sync_waiter {
    int64_t wanted = 0;
    chan<unit>* told_by = nullptr;  // null: by ready()
};

void require_count(int64_t n) {
    if (n < 0) throw panic("semaphore: negative count");
}

// What grant() gave, once the lock is dropped. REQUIRES: inside the runtime.
void tell(rt::sync_waiter* granted) {
    rt::sync_waiter* sleeping = nullptr;
    rt::sync_waiter** tail = &sleeping;
    while (granted != nullptr) {
        rt::sync_waiter* w = granted;
        granted = w->next;
        if (chan<unit>* channel = static_cast<token_waiter*>(w)->told_by) {
            chan<unit> keep = *channel;  // the waiter's own handle ends as soon as it is told
            keep.close();
        } else {
            w->next = nullptr;
            *tail = w;
            tail = &w->next;
        }
    }
    rt::wake_all(sleeping);
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

error semaphore::acquire(const context& ctx, int64_t n) {
    require_count(n);
    if (error err = ctx.err()) return err;
    if (n > size_) {
        (void)ctx.done().recv();
        return ctx.err();
    }
    if (try_acquire(n)) return nullptr;

    chan<unit> told;
    token_waiter self;
    self.wanted = n;
    self.told_by = &told;
    {
        rt::in_runtime scope;
        rt::lock_guard hold(rt::sema_lock(this));
        if (size_ - held_ >= n && waiters_ == nullptr) {
            held_ += n;
            return nullptr;
        }
        rt::push_back(waiters_, &self);
    }
    (void)select(recv(told), recv(ctx.done()));
    error err = ctx.err();
    if (!err) return nullptr;

    bool withdrawn = false;
    {
        rt::in_runtime scope;
        rt::lock& list = rt::sema_lock(this);
        list.acquire_lock();
        withdrawn = rt::remove(waiters_, &self);
        rt::sync_waiter* granted = withdrawn ? grant() : nullptr;
        list.release_lock();
        tell(granted);
    }
    if (!withdrawn) {
        (void)told.recv();
        release(n);
    }
    return err;
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
        tell(granted);
    }
    if (too_many) throw panic("semaphore: released more than held");
}

int64_t semaphore::held() const {
    rt::in_runtime scope;
    rt::lock_guard hold(rt::sema_lock(this));
    return held_;
}

}  // namespace gossamer
