// SPDX-License-Identifier: BSL-1.0
// mutex: mutual exclusion that blocks the goroutine, never the thread (SEMANTICS A6). Lockable: std::lock_guard, std::unique_lock and
// std::scoped_lock work. Not owned: any goroutine or thread may unlock. Not recursive: a second lock() by the holder deadlocks.
// Fair to who waits over 1 ms. May be destroyed as soon as nobody holds it or waits: unlock() touches nothing after it let go.
#pragma once

#include <atomic>
#include <cstdint>

namespace gossamer {

namespace rt {
struct sync_waiter;
struct layout_of_sync;
}  // namespace rt

class mutex {
  public:
    constexpr mutex() noexcept = default;
    mutex(const mutex&) = delete;
    mutex& operator=(const mutex&) = delete;

    void lock() {
        uint32_t old = state_.load(std::memory_order_relaxed);  // pairs with nothing: the exchange decides
        if ((old & (kLocked | kStarving)) != 0 ||
            !state_.compare_exchange_strong(old, old | kLocked, std::memory_order_acquire,  // pairs with unlock()
                                            std::memory_order_relaxed))
            [[unlikely]]  // pairs with nothing: lock_slow() looks again
            lock_slow();
        note_holder();
    }
    // Never blocks. May pass goroutines that wait; false when locked, or while one that waited too long is owed the lock (MU4).
    bool try_lock() noexcept;
    // Fatal, not a panic, when the mutex is not locked (MU3).
    void unlock();

  private:
    friend struct rt::layout_of_sync;

    static constexpr uint32_t kLocked = 1;
    static constexpr uint32_t kWoken = 2;     // somebody is awake and will try: unlock() wakes nobody
    static constexpr uint32_t kStarving = 4;  // unlock() hands over to the first waiter
    static constexpr uint32_t kWaiters = 8;   // the list is not empty
    // The bits from kLoud up count the calm unlocks until it is quiet again: others may change a locked word only as long as it is loud.
    static constexpr uint32_t kLoud = 16;
    static constexpr uint32_t kLoudest = 1023 * kLoud;

    void lock_slow();
    void unlock_slow();
    // Which stack, and so which goroutine, has it: for who inspects the process. An address within, without its lowest 13 bits.
    void note_holder() {
        auto here = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
        holder_.store(uint32_t(here >> 13), std::memory_order_relaxed);  // pairs with nothing: only reported
    }

    std::atomic<uint32_t> state_{0};
    std::atomic<uint32_t> holder_{0};     // while kLocked is set
    rt::sync_waiter* waiters_ = nullptr;  // oldest first; under the lock that runtime/park/sema.h names
};

}  // namespace gossamer
