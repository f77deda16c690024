// SPDX-License-Identifier: BSL-1.0
// time: sleep, after, tick, timer, ticker, after_func: Go's, on std::chrono durations and the steady clock (SEMANTICS A10). All of it may be
// called from goroutines and from plain threads. A duration that does not fit in nanoseconds means for ever (TM1); fractions of a
// nanosecond are rounded up.
//   timer and ticker are counted handles: copies are the same timer. When the last copy and the last copy of its channel are gone, so is
//   the timer: nothing needs to be stopped (TM13). A channel timer that nobody waits for costs nothing (TM14).
//   How late: in an idle program a timer alone some 20 us, the time that a thread takes to wake; timers due within 200 us of each other wake it
//   once, the first of them up to 200 us late. Never early (TM1, TM15).
#pragma once

#include <chrono>
#include <concepts>
#include <cstdint>
#include <limits>
#include <memory>
#include <ratio>
#include <type_traits>
#include <utility>

#include "gossamer/chan.h"

namespace gossamer {

using time_point = std::chrono::steady_clock::time_point;

namespace detail {

// d in nanoseconds, rounded up; what does not fit becomes the largest or the smallest number.
template <class Rep, class Period>
constexpr int64_t to_ns(std::chrono::duration<Rep, Period> d) {
    using limits = std::numeric_limits<int64_t>;
    using per_ns = std::ratio_divide<Period, std::nano>;
    if constexpr (std::integral<Rep> && per_ns::den == 1) {
        int64_t ns = 0;
        if (__builtin_mul_overflow(d.count(), per_ns::num, &ns)) return d.count() > 0 ? limits::max() : limits::min();
        return ns;
    } else {
        constexpr long double kFactor = static_cast<long double>(per_ns::num) / static_cast<long double>(per_ns::den);
        long double ns = static_cast<long double>(d.count()) * kFactor;
        if (!(ns > static_cast<long double>(limits::min()))) return ns == ns ? limits::min() : 0;
        if (ns >= static_cast<long double>(limits::max())) return limits::max();
        auto whole = static_cast<int64_t>(ns);
        return static_cast<long double>(whole) < ns ? whole + 1 : whole;
    }
}

// A function to be called by the library.
class closure {
  public:
    closure() = default;
    closure(const closure&) = delete;
    closure& operator=(const closure&) = delete;
    virtual ~closure() = default;
    virtual void run() = 0;
};
template <class F>
class closure_of final : public closure {
  public:
    template <class G>
    explicit closure_of(std::in_place_t, G&& f) : f_(std::forward<G>(f)) {}
    void run() override { static_cast<void>(f_()); }

  private:
    F f_;
};
template <class F>
std::unique_ptr<closure> make_closure(F&& f) {
    return std::make_unique<closure_of<std::decay_t<F>>>(std::in_place, std::forward<F>(f));
}

class func_timer;  // lib/time.cc: what after_func's handles share

// A counted reference to one, or none.
class func_timer_handle {
  public:
    func_timer_handle() noexcept = default;
    explicit func_timer_handle(func_timer* owned) noexcept : t_(owned) {}
    func_timer_handle(const func_timer_handle& o) noexcept;
    func_timer_handle(func_timer_handle&& o) noexcept : t_(std::exchange(o.t_, nullptr)) {}
    func_timer_handle& operator=(func_timer_handle o) noexcept {
        std::swap(t_, o.t_);
        return *this;
    }
    ~func_timer_handle() {
        if (t_ != nullptr) release();
    }
    func_timer* get() const noexcept { return t_; }

  private:
    void release() noexcept;
    func_timer* t_ = nullptr;
};

// A channel that gives a moment at or after `ns` from now, then, with a period, each moment a whole number of periods later.
rt::chan_handle make_time_chan(int64_t ns, int64_t period_ns);
bool stop_time_chan(rt::chan_header* c);
bool reset_time_chan(rt::chan_header* c, int64_t ns, int64_t period_ns);
func_timer_handle start_func_timer(int64_t ns, std::unique_ptr<closure> f);
void sleep_ns(int64_t ns);
int64_t positive_period(int64_t ns, const char* otherwise);
rt::chan_header* initialized(rt::chan_header* c, const char* otherwise);

}  // namespace detail

// Pauses the caller for at least d; returns at once when d <= 0 (TM1).
template <class Rep, class Period>
void sleep(std::chrono::duration<Rep, Period> d) {
    detail::sleep_ns(detail::to_ns(d));
}

// One moment in the future: the time is sent on `c`, or a function is run (after_func).
class timer {
  public:
    // The zero timer: nil channel; stop() and reset() throw panic (TM9).
    timer() = default;
    // Gives the time once, on c, at or after d from now; at once when d <= 0 (TM3).
    template <class Rep, class Period>
    explicit timer(std::chrono::duration<Rep, Period> d) : c(detail::make_time_chan(detail::to_ns(d), 0)) {}

    timer(const timer&) = default;
    timer& operator=(const timer& other) {
        // c is const for users: they must not take a timer's channel away.
        if (this != &other) std::construct_at(destroyed(), other);
        return *this;
    }

    // True when the timer was pending, or had expired and its value was not yet received (TM6); after it no value of the
    // old setting can be received (TM5). For after_func: false when f was started (it may still run) or stopped before (TM8).
    bool stop() const;
    // As stop(), then starts it anew: at or after d from now.
    template <class Rep, class Period>
    bool reset(std::chrono::duration<Rep, Period> d) const {
        return reset_ns(detail::to_ns(d));
    }

    // Behaves as an unbuffered channel of which the timer is the sender (TM4); the value is the moment at which it was due (TM7). Nil
    // for after_func's timers.
    const recv_chan<time_point> c = recv_chan<time_point>(nil);

  private:
    explicit timer(detail::func_timer_handle f) : f_(std::move(f)) {}
    template <class Rep, class Period, class F>
    requires std::invocable < std::decay_t<F>
    & > friend timer after_func(std::chrono::duration<Rep, Period> d, F&& f);

    bool reset_ns(int64_t ns) const;
    timer* destroyed() {
        std::destroy_at(this);
        return this;
    }

    detail::func_timer_handle f_;
};

// A moment in each period. A slow receiver loses ticks, at most one waits for it; the phase stays (TM11).
class ticker {
  public:
    // The zero ticker: nil channel; stop() does nothing, reset() throws panic (TM10).
    ticker() = default;
    // Throws panic "non-positive interval for NewTicker".
    template <class Rep, class Period>
    explicit ticker(std::chrono::duration<Rep, Period> d) : ticker(detail::to_ns(d), 0) {}

    ticker(const ticker&) = default;
    ticker& operator=(const ticker& other) {
        if (this != &other) {
            std::destroy_at(this);
            std::construct_at(this, other);
        }
        return *this;
    }

    // After it no tick can be received (TM12). Does not close c.
    void stop() const {
        if (c.core() != nullptr) detail::stop_time_chan(c.core());
    }
    // Starts the phase anew from now, also after stop() (TM12). Throws panic "non-positive interval for Ticker.Reset".
    template <class Rep, class Period>
    void reset(std::chrono::duration<Rep, Period> d) const {
        int64_t ns = detail::positive_period(detail::to_ns(d), "non-positive interval for Ticker.Reset");
        detail::reset_time_chan(detail::initialized(c.core(), "time: Reset called on uninitialized Ticker"), ns, ns);
    }

    const recv_chan<time_point> c = recv_chan<time_point>(nil);

  private:
    ticker(int64_t ns, int)
        : c(detail::make_time_chan(detail::positive_period(ns, "non-positive interval for NewTicker"), ns)) {}
};

// timer(d).c
template <class Rep, class Period>
recv_chan<time_point> after(std::chrono::duration<Rep, Period> d) {
    return recv_chan<time_point>(detail::make_time_chan(detail::to_ns(d), 0));
}

// ticker(d).c, but nil when d <= 0 (TM10).
template <class Rep, class Period>
recv_chan<time_point> tick(std::chrono::duration<Rep, Period> d) {
    int64_t ns = detail::to_ns(d);
    return ns > 0 ? recv_chan<time_point>(detail::make_time_chan(ns, ns)) : recv_chan<time_point>(nil);
}

// Runs f in a goroutine of its own at or after d from now, unless stop() comes first; also when every handle is gone (TM8). reset()
// makes it run once more, perhaps beside an earlier run.
template <class Rep, class Period, class F>
requires std::invocable < std::decay_t<F>
& > timer after_func(std::chrono::duration<Rep, Period> d, F&& f) {
    return timer(detail::start_func_timer(detail::to_ns(d), detail::make_closure(std::forward<F>(f))));
}

}  // namespace gossamer
