// SPDX-License-Identifier: BSL-1.0
// tick_clock: the kernel's monotonic clock, read off the CPU's tick counter between two looks at it (10 ns in place of 26).
// Called by / on: any thread, any stack. One tick_clock serves all threads; each thread brings the last look of its own.
// Invariants:
//   1 now() differs from the kernel's clock by less than kQuickFuzz: a look is trusted for kTrustNs, in which a rate that is wrong by a
//     thousandth (the kernel slews by half of that at most) adds up to 100 ns; a look counts only when both clocks were read within kSharpTicks.
//   2 The rate is learned over kLearnNs or more, and forgotten as soon as a look shows that it does not hold (for ever the third time);
//     without one now() is the kernel's.
#pragma once

#include <cstdint>

#include "runtime/base/atomic.h"

namespace gossamer::rt::os {

inline constexpr int64_t kQuickFuzz = 250;  // ns

// Source: static uint64_t ticks() and static int64_t ns(), both clocks, and kSharpTicks, some 150 ns.
template <class Source>
class tick_clock {
  public:
    struct look {
        uint64_t ticks = 0;
        int64_t ns = 0;
    };

    // `last` is the thread's own.
    int64_t now(look& last) {
        uint64_t since = Source::ticks() - last.ticks;
        if (since < kMostTicks) [[likely]] {
            uint64_t ns = since * rate_.load(relaxed) >> kShift;  // pairs with learn()
            if (ns - 1 < kTrustNs - 1) [[likely]]                 // 0: no rate
                return last.ns + int64_t(ns);
        }
        return look_anew(last);
    }
    // The ticks are the same on all CPUs and run evenly. Before this now() is the kernel's clock.
    void trust() { trusted_.store(true); }

  private:
    static constexpr unsigned kShift = 32;
    static constexpr uint64_t kMostTicks = uint64_t{1} << 30;
    static constexpr uint64_t kTrustNs = 100'000;
    static constexpr double kLearnNs = 10e6;
    static constexpr unsigned kPatience = 3;

    [[gnu::noinline]] int64_t look_anew(look& last) {
        uint64_t before = Source::ticks();
        int64_t ns = Source::ns();
        if (!trusted_.load(relaxed) ||
            Source::ticks() - before > Source::kSharpTicks)  // pairs with trust(); late is as good
            return ns;
        look fresh{before, ns};
        if (!learning_.exchange(true, acquire)) {  // pairs with the store below
            learn(last, fresh);
            learning_.store(false, rt::release);  // pairs with the exchange above
        }
        last = fresh;
        return ns;
    }

    // One thread at a time.
    void learn(const look& last, const look& fresh) {
        uint64_t rate = rate_.load(relaxed);  // pairs with the stores below
        if (rate != 0 && last.ns != 0) {
            double passed = double(fresh.ns - last.ns);
            double said = double(fresh.ticks - last.ticks) * double(rate) / double(uint64_t{1} << kShift);
            if (passed - said > passed / 1000 + kQuickFuzz || said - passed > passed / 1000 + kQuickFuzz) {
                rate_.store(0, relaxed);  // pairs with now()
                first_ = fresh;
                if (++broken_ == kPatience) trusted_.store(false);
            }
        }
        if (rate != 0) return;
        if (first_.ns == 0) first_ = fresh;
        double ticks = double(fresh.ticks - first_.ticks), passed = double(fresh.ns - first_.ns);
        if (passed < kLearnNs) return;
        rate_.store(uint64_t(passed / ticks * double(uint64_t{1} << kShift)), relaxed);  // pairs with now()
    }

    atomic<uint64_t> rate_{0};  // ns of a tick, times 2^kShift; 0 unknown
    atomic<bool> trusted_{false};
    atomic<bool> learning_{false};
    look first_;           // under learning_
    unsigned broken_ = 0;  // under learning_
};

}  // namespace gossamer::rt::os
