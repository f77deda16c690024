// SPDX-License-Identifier: BSL-1.0
// semaphore: a weighted semaphore, strictly first come, first served (SEMANTICS SM1 to SM4): a large request that waits holds back
// later small ones, so it never starves.
#pragma once

#include <cstdint>

#include "gossamer/error.h"

namespace gossamer {

class context;

namespace rt {
struct sync_waiter;
}

class semaphore {
  public:
    // Throws panic when size < 0.
    explicit semaphore(int64_t size);
    semaphore(const semaphore&) = delete;
    semaphore& operator=(const semaphore&) = delete;

    // Takes n, waiting for them. n above the size waits for ever, without holding back others (SM3). Throws panic when n < 0.
    void acquire(int64_t n = 1);
    // The same, until ctx is done: then ctx.err(), and nothing is held. A ctx that is done fails even if n are free (SM3).
    error acquire(const context& ctx, int64_t n = 1);
    // False, holding nothing, when n are not free or anybody waits.
    bool try_acquire(int64_t n = 1);
    // Throws panic("semaphore: released more than held").
    void release(int64_t n = 1);

    // How many are held now. For reports and tests: it may have changed when it is read.
    int64_t held() const;
    int64_t size() const noexcept { return size_; }

  private:
    rt::sync_waiter* grant();

    const int64_t size_;
    // Under the lock that runtime/park/sema.h names:
    int64_t held_ = 0;
    rt::sync_waiter* waiters_ = nullptr;
};

}  // namespace gossamer
