// SPDX-License-Identifier: BSL-1.0
// rw_mutex: Go's algorithm: readers count themselves in one word, a writer takes kMaxReaders off it so that newcomers see a negative
// count and wait, and sleeps until the readers it found have left.
// Called by / on: goroutines and plain threads.
// Invariants:
//   1 readers_ < 0 exactly while one writer, the holder of writers_, holds the lock or waits for readers to leave.
//   2 Whoever brings departing_ to zero, the writer or a reader that leaves, lets the writer in: one of them, once.
//   3 A reader that found readers_ negative waits for one pass; the writer's unlock gives as many as it finds counted. Passes are
//     not named: a reader of a later turn may take one that an earlier reader has not fetched yet; the counts stay right.
// Locks: sema_lock(this), rank sync.
// The race that matters: the last reader leaves before the writer sleeps. The pass is kept in a word under the lock, so it waits for
//   the writer, not the other way round.
// Not done: the whole state in one word. It would make unlock() a single release, and every reader's entry a loop.
#include "gossamer/rw_mutex.h"

#include "runtime/base/atomic.h"
#include "runtime/base/fatal.h"
#include "runtime/park/sema.h"

namespace gossamer {

void rw_mutex::lock() {
    writers_.lock();
    int32_t holding = readers_.fetch_sub(kMaxReaders);
    if (holding == 0 || departing_.fetch_add(holding) + holding == 0) return;

    rt::in_runtime scope;
    rt::lock& list = rt::sema_lock(this);
    list.acquire_lock();
    if (writer_pass_) {
        writer_pass_ = false;
        list.release_lock();
        return;
    }
    rt::sync_waiter self;
    self.g = rt::current_g();
    rt::push_back(waiting_writer_, &self);
    rt::sleep_on(list, rt::wait_reason::rw_mutex_lock, this);
}

bool rw_mutex::try_lock() noexcept {
    if (!writers_.try_lock()) return false;
    int32_t none = 0;
    if (readers_.compare_exchange_strong(none, -kMaxReaders)) return true;
    writers_.unlock();
    return false;
}

void rw_mutex::unlock() {
    int32_t waiting = readers_.fetch_add(kMaxReaders) + kMaxReaders;
    if (waiting >= kMaxReaders) rt::fatal("sync: Unlock of unlocked RWMutex");
    if (waiting > 0) {
        rt::in_runtime scope;
        rt::lock& list = rt::sema_lock(this);
        list.acquire_lock();
        rt::sync_waiter* first = rt::take_all(waiting_readers_);
        uint32_t queued = 0;
        for (rt::sync_waiter* w = first; w != nullptr; w = w->next) queued++;
        reader_passes_ += uint32_t(waiting) - queued;
        list.release_lock();
        rt::wake_all(first);
    }
    writers_.unlock();
}

[[gnu::noinline]] void rw_mutex::lock_shared_slow() {
    rt::in_runtime scope;
    rt::lock& list = rt::sema_lock(this);
    list.acquire_lock();
    if (reader_passes_ > 0) {
        reader_passes_--;
        list.release_lock();
        return;
    }
    rt::sync_waiter self;
    self.g = rt::current_g();
    rt::push_back(waiting_readers_, &self);
    rt::sleep_on(list, rt::wait_reason::rw_mutex_rlock, this);
}

bool rw_mutex::try_lock_shared() noexcept {
    int32_t count = readers_.load();
    while (count >= 0)
        if (readers_.compare_exchange_weak(count, count + 1)) return true;
    return false;
}

[[gnu::noinline]] void rw_mutex::unlock_shared_slow(int32_t before) {
    if (before == 0 || before == -kMaxReaders) rt::fatal("sync: RUnlock of unlocked RWMutex");
    if (departing_.fetch_sub(1) != 1) return;

    // The last of those for whom the writer waits. The writer keeps the object alive until it is let in.
    rt::in_runtime scope;
    rt::lock& list = rt::sema_lock(this);
    list.acquire_lock();
    rt::sync_waiter* writer = rt::pop_front(waiting_writer_);
    if (writer == nullptr) writer_pass_ = true;
    list.release_lock();
    if (writer != nullptr) rt::ready(writer->g);
}

}  // namespace gossamer
