// SPDX-License-Identifier: BSL-1.0
// rate_limiter: a bucket of tokens that fills at `limit` tokens a second up to `burst` (golang.org/x/time/rate). A full bucket at the start.
// All of it may be called from goroutines and plain threads at once; who waits is served in the order of the calls.
//   rate_limiter pace(every(10ms), 5);
//   if (error err = pace.wait(ctx)) return err;
#pragma once

#include <chrono>
#include <cstdint>
#include <limits>

#include "gossamer/context.h"
#include "gossamer/error.h"
#include "gossamer/mutex.h"
#include "gossamer/time.h"

namespace gossamer {

// The limit, in tokens a second, at which there is one each d; no limit when d <= 0.
template <class Rep, class Period>
constexpr double every(std::chrono::duration<Rep, Period> d) {
    double seconds = std::chrono::duration<double>(d).count();
    return seconds > 0 ? 1 / seconds : std::numeric_limits<double>::infinity();
}

class rate_limiter {
  public:
    // No limit: everything is allowed, whatever the burst.
    static constexpr double kNoLimit = std::numeric_limits<double>::infinity();

    // `limit` tokens a second; 0: only those of the bucket. Throws panic when limit or burst is negative, or limit is no number.
    rate_limiter(double limit, int64_t burst);
    rate_limiter(const rate_limiter&) = delete;
    rate_limiter& operator=(const rate_limiter&) = delete;

    // Tokens that are taken for a moment at or after now. Lives no longer than its limiter.
    class reservation {
      public:
        // False when more tokens were asked for than the bucket can hold.
        bool ok() const noexcept { return limiter_ != nullptr; }
        // How long the holder must wait before it acts; the longest duration when not ok.
        std::chrono::nanoseconds delay() const;
        // The holder will not act: gives back what nobody has reserved on top of.
        void cancel();

      private:
        friend class rate_limiter;
        rate_limiter* limiter_ = nullptr;
        int64_t tokens_ = 0;
        int64_t act_at_ = 0;
        double limit_ = 0;
    };

    // Takes n tokens if they are there now, else none.
    bool allow(int64_t n = 1);
    // Takes n tokens, on credit if need be.
    reservation reserve(int64_t n = 1);
    // Takes n tokens, waiting for them. Fails with ctx.err(), and at once when n exceeds the burst or the wait would exceed ctx's deadline.
    error wait(const context& ctx, int64_t n = 1);

    double limit() const;
    int64_t burst() const;
    // What is in the bucket; negative when it is on credit.
    double tokens() const;
    // For what comes after; reservations keep their moments.
    void set_limit(double limit);
    void set_burst(int64_t burst);

  private:
    reservation take(int64_t now, int64_t n, int64_t longest_wait);
    double filled(int64_t now) const;
    void settle(int64_t now);

    mutable mutex lock_;
    // Under lock_.
    double limit_;
    int64_t burst_;
    double tokens_;           // at last_
    int64_t last_;            // ns of the steady clock
    int64_t last_event_ = 0;  // the latest moment that was reserved
};

}  // namespace gossamer
