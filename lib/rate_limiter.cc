// SPDX-License-Identifier: BSL-1.0
// rate_limiter: no goroutine and no timer fills the bucket: what is in it follows from the time that has passed.
// Called by / on: goroutines and plain threads, outside of the runtime.
// Invariants (under lock_): 1 tokens_ <= burst_. 2 last_event_ is the latest act_at_ of a reservation not cancelled.
#include "gossamer/rate_limiter.h"

#include <algorithm>
#include <cmath>
#include <mutex>

#include "gossamer/panic.h"
#include "gossamer/select.h"
#include "runtime/timer/clock.h"

namespace gossamer {

namespace {

constexpr double kSecond = 1e9;

double checked_limit(double limit) {
    if (!(limit >= 0)) throw panic("rate: negative limit");
    return limit;
}
int64_t checked_burst(int64_t burst) {
    if (burst < 0) throw panic("rate: negative burst");
    return burst;
}

// How long `limit` takes to make so many tokens, in ns, rounded up.
int64_t time_for(double tokens, double limit) {
    double ns = tokens / limit * kSecond;
    return ns < double(rt::kNever) ? int64_t(std::ceil(ns)) : rt::kNever;
}

}  // namespace

rate_limiter::rate_limiter(double limit, int64_t burst)
    : limit_(checked_limit(limit)), burst_(checked_burst(burst)), tokens_(double(burst)), last_(rt::now_ns()) {}

double rate_limiter::filled(int64_t now) const {
    if (limit_ == kNoLimit) return double(burst_);
    double passed = now > last_ ? double(now - last_) : 0;
    return std::min(double(burst_), tokens_ + passed * limit_ / kSecond);
}

// What has flowed in so far counts at the rate and the size that held until now. REQUIRES: lock_ held.
void rate_limiter::settle(int64_t now) {
    tokens_ = filled(now);
    last_ = now;
}

rate_limiter::reservation rate_limiter::take(int64_t now, int64_t n, int64_t longest_wait) {
    if (n < 0) throw panic("rate: negative number of tokens");
    reservation r;
    std::lock_guard hold(lock_);
    r.act_at_ = now;
    if (limit_ == kNoLimit) {
        r.limiter_ = this;
        return r;
    }
    double left = filled(now) - double(n);
    int64_t wait = left < 0 ? time_for(-left, limit_) : 0;
    if (n > burst_ || wait > longest_wait || wait == rt::kNever) return r;
    r.limiter_ = this;
    r.tokens_ = n;
    r.act_at_ = rt::add_saturated(now, wait);
    r.limit_ = limit_;
    tokens_ = left;
    last_ = now;
    last_event_ = r.act_at_;
    return r;
}

std::chrono::nanoseconds rate_limiter::reservation::delay() const {
    if (!ok()) return std::chrono::nanoseconds::max();
    return std::chrono::nanoseconds(std::max<int64_t>(0, act_at_ - rt::now_ns()));
}

void rate_limiter::reservation::cancel() {
    int64_t now = rt::now_ns();
    if (!ok() || tokens_ == 0 || act_at_ < now) return;
    std::lock_guard hold(limiter_->lock_);
    rate_limiter& of = *limiter_;
    // What was reserved later counts on the time until then.
    double given_back = double(tokens_) - double(of.last_event_ - act_at_) * limit_ / kSecond;
    int64_t reserved = std::exchange(tokens_, 0);
    if (given_back <= 0) return;
    of.settle(now);
    of.tokens_ = std::min(double(of.burst_), of.tokens_ + given_back);
    if (act_at_ == of.last_event_) {
        int64_t before = act_at_ - time_for(double(reserved), limit_);
        if (before >= now) of.last_event_ = before;
    }
}

bool rate_limiter::allow(int64_t n) { return take(rt::now_ns(), n, 0).ok(); }

rate_limiter::reservation rate_limiter::reserve(int64_t n) { return take(rt::now_ns(), n, rt::kNever); }

error rate_limiter::wait(const context& ctx, int64_t n) {
    if (error err = ctx.err()) return err;
    if (n > burst() && limit() != kNoLimit)
        return errors::make("rate: Wait(n={}) exceeds limiter's burst {}", n, burst());
    int64_t now = rt::now_ns();
    int64_t longest = rt::kNever;
    if (auto deadline = ctx.deadline()) longest = deadline->time_since_epoch().count() - now;
    reservation r = take(now, n, longest);
    if (!r.ok()) return errors::make("rate: Wait(n={}) would exceed context deadline", n);
    if (r.act_at_ <= now) return error();
    switch (select(recv(after(r.delay())), recv(ctx.done()))) {
        case 0:
            return error();
        case 1:
            break;
    }
    r.cancel();
    return ctx.err();
}

double rate_limiter::limit() const {
    std::lock_guard hold(lock_);
    return limit_;
}
int64_t rate_limiter::burst() const {
    std::lock_guard hold(lock_);
    return burst_;
}
double rate_limiter::tokens() const {
    std::lock_guard hold(lock_);
    return filled(rt::now_ns());
}

void rate_limiter::set_limit(double limit) {
    checked_limit(limit);
    std::lock_guard hold(lock_);
    settle(rt::now_ns());
    limit_ = limit;
}
void rate_limiter::set_burst(int64_t burst) {
    checked_burst(burst);
    std::lock_guard hold(lock_);
    settle(rt::now_ns());
    burst_ = burst;
    tokens_ = std::min(tokens_, double(burst));
}

}  // namespace gossamer
