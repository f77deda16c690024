// SPDX-License-Identifier: BSL-1.0
#include "gossamer/errgroup.h"

#include <mutex>
#include <string>
#include <utility>

#include "gossamer/panic.h"

namespace gossamer {

errgroup_with_context errgroup::with_context(const context& parent) {
    auto [ctx, cancel] = with_cancel_cause(parent);
    return {errgroup(std::move(cancel)), std::move(ctx)};
}

void errgroup::set_limit(int64_t n) {
    if (int64_t active = slots_ ? slots_->held() : 0; active != 0)
        throw panic("errgroup: modify limit while " + std::to_string(active) +
                    " goroutines in the group are still active");
    if (n < 0)
        slots_.reset();
    else
        slots_.emplace(n);
}

error errgroup::wait() {
    tasks_.wait();
    error first;
    {
        std::lock_guard hold(guard_);
        first = first_;
    }
    if (cancel_) (*cancel_)(first);
    return first;
}

void errgroup::fail(error err) {
    {
        std::lock_guard hold(guard_);
        if (first_) return;
        first_ = err;
    }
    if (cancel_) (*cancel_)(std::move(err));
}

}  // namespace gossamer
