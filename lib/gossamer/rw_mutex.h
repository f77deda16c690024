// SPDX-License-Identifier: BSL-1.0
// rw_mutex: many readers or one writer (SEMANTICS A7). SharedLockable: std::shared_lock, std::unique_lock and std::lock_guard work.
// Neither side starves: a writer that waits holds later readers back, and the readers that waited go before the next writer. So a
// reader must not lock for reading again (RW2). Not owned, not upgradable, not downgradable.
// A reader must not destroy it while the writer before it is still inside unlock().
#pragma once

#include <atomic>
#include <cstdint>

#include "gossamer/mutex.h"

namespace gossamer {

class rw_mutex {
  public:
    constexpr rw_mutex() noexcept = default;
    rw_mutex(const rw_mutex&) = delete;
    rw_mutex& operator=(const rw_mutex&) = delete;

    void lock();
    // False while any reader or writer holds it (RW5).
    bool try_lock() noexcept;
    // Fatal when no writer holds it (RW6).
    void unlock();

    void lock_shared() {
        if (readers_.fetch_add(1, std::memory_order_acquire) < 0) [[unlikely]]  // pairs with unlock()
            lock_shared_slow();
    }
    // False while a writer holds it or waits (RW5).
    bool try_lock_shared() noexcept;
    // Fatal when no reader holds it (RW6).
    void unlock_shared() {
        int32_t before = readers_.fetch_sub(1, std::memory_order_release);  // pairs with lock()
        if (before <= 0) [[unlikely]]
            unlock_shared_slow(before);
    }

    // The reading side as a Lockable of its own, for cond and generic code (Go's RLocker).
    class read_side {
      public:
        void lock() { owner_->lock_shared(); }
        bool try_lock() noexcept { return owner_->try_lock_shared(); }
        void unlock() { owner_->unlock_shared(); }

      private:
        friend class rw_mutex;
        explicit read_side(rw_mutex* owner) noexcept : owner_(owner) {}
        rw_mutex* owner_;
    };
    read_side rlocker() noexcept { return read_side(this); }

  private:
    friend struct rt::layout_of_sync;

    static constexpr int32_t kMaxReaders = 1 << 30;

    void lock_shared_slow();
    void unlock_shared_slow(int32_t before);

    mutex writers_;                      // one writer at a time; the others wait there (RW7)
    std::atomic<int32_t> readers_{0};    // holding or waiting; kMaxReaders less while a writer holds or waits
    std::atomic<int32_t> departing_{0};  // readers for which the writer waits
    // Under the lock that runtime/park/sema.h names:
    rt::sync_waiter* waiting_readers_ = nullptr;
    rt::sync_waiter* waiting_writer_ = nullptr;
    uint32_t reader_passes_ = 0;  // readers let in before they had queued
    bool writer_pass_ = false;    // the last reader left before the writer had queued
};

}  // namespace gossamer
