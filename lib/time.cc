// SPDX-License-Identifier: BSL-1.0
// time: timers whose other end is a channel or a function.
// Called by / on: goroutines and plain threads; fire functions on g0 or any stack inside the runtime.
// A time channel is a chan_core with a source (lib/gossamer/chan_core.h) instead of a sender: a receive that finds the time due takes it on
// the spot; one that does not parks, and only then the timer goes into a heap. So len and cap are 0 (TM4), no value can be stale (TM5), and
// who waits for nothing pays for no heap (TM14).
// Invariants of a time channel (under its core's lock):
//   1 active: the time is to be given, at `when`; neither stopped nor received. A ticker stays active until it is stopped.
//   2 armed: the heap has the timer, or fire() has been called and does not hold the lock yet.
//   3 active and a claimable receiver parked: armed, for `when` or earlier.
//   4 A receiver that comes later does not take a time while a claimable receiver is parked (CH6).
//   5 After the last handle is gone: freed by who dropped it, or by fire() when that is already on its way (orphan).
// Locks: the core's (rank chan), under it timer_heap. A func_timer's own (rank timer_chan), under it timer_heap.
// The race that matters: fire() against stop(), reset() and a receive. fire() looks at active and when under the lock, so an outdated call does
//   nothing but say that the heap no longer has the timer.
#include "gossamer/time.h"

#include <cstdlib>
#include <new>

#include "gossamer/panic.h"
#include "lib/chan_ops.h"
#include "runtime/os/lock.h"
#include "runtime/park/park.h"
#include "runtime/sched/spawn.h"
#include "runtime/timer/clock.h"
#include "runtime/timer/sleep.h"
#include "runtime/timer/timer.h"

namespace gossamer::rt {
namespace {

struct time_chan : chan_core {
    timer alarm;
    int64_t when = 0;
    int64_t period = 0;  // 0: once
    bool active = true;
    bool armed = false;
    bool ever_armed = false;  // never goes back: without it nobody but the handles knows this channel
    bool orphan = false;
    void* memory = nullptr;
};

time_chan* time_chan_of(chan_header* h) { return static_cast<time_chan*>(core_of(h)); }

void arm_alarm(time_chan* c) {
    c->armed = c->ever_armed = true;
    arm(&c->alarm, c->when);
}

void disarm(time_chan* c) {
    if (c->armed && stop(&c->alarm)) c->armed = false;
}

// The moment that is due; a ticker's next one keeps the phase and skips what was missed (TM11).
time_point take_due(time_chan* c, int64_t now) {
    int64_t due = c->when;
    if (c->period == 0)
        c->active = false;
    else
        c->when = add_saturated(due, c->period * ((now - due) / c->period + 1));
    return time_point(std::chrono::nanoseconds(due));
}

bool has_time(chan_header* h) {
    time_chan* c = time_chan_of(h);
    return c->active && c->when <= now_ns() && !has_claimable(c->receivers);
}

void take_time(chan_header* h, void* to) {
    time_chan* c = time_chan_of(h);
    ::new (to) time_point(take_due(c, now_ns()));
}

void wait_for_time(chan_header* h) {
    time_chan* c = time_chan_of(h);
    if (c->active && !c->armed) arm_alarm(c);
}

void free_time_chan(time_chan* c) {
    void* memory = c->memory;
    c->~time_chan();
    std::free(memory);
}

void fire_time_chan(timer* t, int64_t now) {
    auto* c = static_cast<time_chan*>(t->arg);
    G* wake = nullptr;
    c->lk.acquire_lock();
    c->armed = false;
    if (c->orphan) {
        c->lk.release_lock();
        return free_time_chan(c);
    }
    if (c->active && c->when <= now) {
        if (sudog* s = c->receivers.pop_claimed()) {
            ::new (s->elem) time_point(take_due(c, now));
            wake = settle(s, true);
        }
        publish_receivers(c);
    }
    // Others may wait for the next tick, or for what a reset() made of it. A receiver that has just been served is likely to come back.
    if (c->active && (wake != nullptr || has_claimable(c->receivers))) arm_alarm(c);
    c->lk.release_lock();
    if (wake != nullptr) ready(wake);
}

void last_handle_gone(chan_header* h) noexcept {
    time_chan* c = time_chan_of(h);
    if (!c->ever_armed) return free_time_chan(c);
    in_runtime scope;
    c->lk.acquire_lock();
    // Somebody waits here through a handle that was not his own: he is served, and the memory stays.
    bool waited_for = has_claimable(c->receivers);
    if (!waited_for) disarm(c);
    c->orphan = !waited_for && c->armed;
    bool mine = !waited_for && !c->armed;
    c->lk.release_lock();
    if (mine) free_time_chan(c);
}

constexpr chan_source kTimeSource{has_time, take_time, wait_for_time, last_handle_gone};
constexpr element_type kTimeElement{sizeof(time_point), alignof(time_point), nullptr, nullptr, &kTimeSource};

chan_header* make_time_chan(int64_t ns, int64_t period) {
    // malloc's own cache is faster than any aligned allocation: so room for the alignment.
    constexpr size_t kAlign = alignof(time_chan);
    void* memory = std::malloc(sizeof(time_chan) + kAlign - alignof(std::max_align_t));
    if (memory == nullptr) throw std::bad_alloc();
    auto address = (reinterpret_cast<uintptr_t>(memory) + kAlign - 1) & ~(kAlign - 1);
    auto* c = ::new (reinterpret_cast<void*>(address)) time_chan;
    c->memory = memory;
    c->lock_word = &c->lk.word();
    // For ever, so it pairs with nothing: whoever wants to know whether a receive would block asks under the lock.
    c->parked_sender.store(c, relaxed);
    c->type = &kTimeElement;
    c->copy_size = sizeof(time_point);
    c->alarm.fire = fire_time_chan;
    c->alarm.arg = c;
    c->when = after_ns(ns);
    c->period = period;
    return c;
}

}  // namespace
}  // namespace gossamer::rt

namespace gossamer::detail {

// Counted: by each handle, by the heap while the alarm is pending, by each run.
class func_timer {
  public:
    func_timer(std::unique_ptr<closure> f, void* creator) : f_(std::move(f)), creator_(creator) {
        alarm_.fire = [](rt::timer* t, int64_t) { static_cast<func_timer*>(t->arg)->start(); };
        alarm_.arg = this;
    }

    void retain() { refs_.fetch_add(1, rt::relaxed); }  // pairs with nothing: who retains holds a reference
    void release() {
        if (refs_.fetch_sub(1, rt::acq_rel) == 1) delete this;  // pairs with itself: the last one sees all
    }

    bool stop() {
        bool was_pending;
        {
            rt::in_runtime scope;
            rt::lock_guard hold(lock_);
            was_pending = rt::stop(&alarm_);
        }
        if (was_pending) release();
        return was_pending;
    }
    bool reset(int64_t ns) {
        rt::in_runtime scope;
        rt::lock_guard hold(lock_);
        bool was_pending = rt::stop(&alarm_);
        if (!was_pending) retain();
        rt::arm(&alarm_, rt::after_ns(ns));
        return was_pending;
    }

  private:
    // Where the time has come: no place for user code.
    void start() {
        rt::G* g = rt::make_g(rt::default_stack_class(), nullptr, creator_);
        ::new (g->closure) func_timer*(this);
        g->invoke = [](void* self) { (*static_cast<func_timer**>(self))->run(); };
        rt::start_g(g);
    }
    void run() {
        func_timer_handle mine(this);
        f_->run();
    }

    rt::atomic<uint32_t> refs_{1};
    rt::lock lock_{rt::lock_rank::timer_chan};
    rt::timer alarm_;
    std::unique_ptr<closure> f_;
    void* creator_;
};

func_timer_handle::func_timer_handle(const func_timer_handle& o) noexcept : t_(o.t_) {
    if (t_ != nullptr) t_->retain();
}
void func_timer_handle::release() noexcept { t_->release(); }

[[gnu::noinline]] func_timer_handle start_func_timer(int64_t ns, std::unique_ptr<closure> f) {
    func_timer_handle t(new func_timer(std::move(f), __builtin_return_address(0)));
    t.get()->reset(ns);
    return t;
}

rt::chan_handle make_time_chan(int64_t ns, int64_t period_ns) {
    return rt::chan_handle(rt::make_time_chan(ns, period_ns));
}

bool stop_time_chan(rt::chan_header* h) {
    rt::time_chan* c = rt::time_chan_of(h);
    rt::in_runtime scope;
    rt::lock_guard hold(c->lk);
    rt::disarm(c);
    return std::exchange(c->active, false);
}

bool reset_time_chan(rt::chan_header* h, int64_t ns, int64_t period_ns) {
    rt::time_chan* c = rt::time_chan_of(h);
    rt::in_runtime scope;
    rt::lock_guard hold(c->lk);
    rt::disarm(c);
    c->when = rt::after_ns(ns);
    c->period = period_ns;
    if (rt::has_claimable(c->receivers) && !c->armed) rt::arm_alarm(c);
    return std::exchange(c->active, true);
}

void sleep_ns(int64_t ns) {
    if (ns > 0) rt::sleep_until(rt::after_ns(ns));
}

int64_t positive_period(int64_t ns, const char* otherwise) {
    if (ns <= 0) throw panic(otherwise);
    return ns;
}

rt::chan_header* initialized(rt::chan_header* c, const char* otherwise) {
    if (c == nullptr) throw panic(otherwise);
    return c;
}

}  // namespace gossamer::detail

namespace gossamer {

bool timer::stop() const {
    if (f_.get() != nullptr) return f_.get()->stop();
    return detail::stop_time_chan(detail::initialized(c.core(), "time: Stop called on uninitialized Timer"));
}

bool timer::reset_ns(int64_t ns) const {
    if (f_.get() != nullptr) return f_.get()->reset(ns);
    return detail::reset_time_chan(detail::initialized(c.core(), "time: Reset called on uninitialized Timer"), ns, 0);
}

}  // namespace gossamer
