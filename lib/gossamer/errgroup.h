// SPDX-License-Identifier: BSL-1.0
// errgroup: goroutines that work on parts of one task and return an error each; wait() gives the first (SEMANTICS EG1 to EG4).
// An exception that leaves one of them ends the process (EG4); goexit() counts as done without an error.
#pragma once

#include <cstdint>
#include <optional>
#include <type_traits>
#include <utility>

#include "gossamer/context.h"
#include "gossamer/error.h"
#include "gossamer/mutex.h"
#include "gossamer/semaphore.h"
#include "gossamer/wait_group.h"

namespace gossamer {

struct errgroup_with_context;

class errgroup {
  public:
    errgroup() = default;
    // A group and a child of parent that is cancelled, with the error as its cause, when a function first returns one, and at the latest
    // when wait() returns (EG2): `auto [group, ctx] = errgroup::with_context(parent);`
    static errgroup_with_context with_context(const context& parent);
    errgroup(const errgroup&) = delete;
    errgroup& operator=(const errgroup&) = delete;
    // Waits for the goroutines: they refer to the group. Their error is lost unless wait() was called.
    ~errgroup() { tasks_.wait(); }

    // Starts f, which returns error, as a goroutine; waits for a free slot first when there is a limit.
    template <class F>
    void go(F&& f) {
        if (slots_) slots_->acquire();
        start(std::forward<F>(f));
    }
    // The same if a slot is free at once; false when f was not started.
    template <class F>
    bool try_go(F&& f) {
        if (slots_ && !slots_->try_acquire()) return false;
        start(std::forward<F>(f));
        return true;
    }
    // At most n goroutines at a time; n < 0: no limit; 0: go() waits for ever. Throws panic while goroutines are active (EG3).
    void set_limit(int64_t n);
    // Waits for all and returns the error that was returned first, or success.
    error wait();

  private:
    explicit errgroup(cancel_cause_func cancel) : cancel_(std::move(cancel)) {}

    struct slot {  // given back however f ended
        semaphore* slots;
        ~slot() {
            if (slots != nullptr) slots->release();
        }
    };

    template <class F>
    void start(F&& f) {
        static_assert(std::is_convertible_v<std::invoke_result_t<std::decay_t<F>&>, error>,
                      "a function of an errgroup returns gossamer::error");
        semaphore* slots = slots_ ? &*slots_ : nullptr;
        slot undo{slots};
        tasks_.go([this, slots, held = std::decay_t<F>(std::forward<F>(f))]() mutable {
            slot mine{slots};
            if (error err = held()) fail(std::move(err));
        });
        undo.slots = nullptr;
    }
    void fail(error err);

    wait_group tasks_;
    std::optional<semaphore> slots_;
    mutex guard_;
    error first_;  // under guard_
    std::optional<cancel_cause_func> cancel_;
};

struct [[nodiscard]] errgroup_with_context {
    errgroup group;
    context ctx;
};

}  // namespace gossamer
