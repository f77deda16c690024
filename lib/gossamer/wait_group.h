// SPDX-License-Identifier: BSL-1.0
// wait_group: waits until a count is zero again (SEMANTICS A8). The add() that leaves zero must happen before wait() (WG3); it may be
// used again once all waits of the last round have returned (WG4). May be destroyed as soon as wait() has returned.
#pragma once

#include <atomic>
#include <cstdint>
#include <type_traits>
#include <utility>

#include "gossamer/go.h"

namespace gossamer {

namespace rt {
struct G;
struct sync_waiter;
}  // namespace rt
namespace detail {
// Whether goexit() is what is being handled. REQUIRES: called in a catch block.
bool ends_by_goexit() noexcept;
}  // namespace detail

class wait_group {
  public:
    constexpr wait_group() noexcept = default;
    wait_group(const wait_group&) = delete;
    wait_group& operator=(const wait_group&) = delete;

    // delta may be negative. Throws panic when the count falls below zero (WG2), and where it can tell that an add() from zero
    // meets a wait() (WG3).
    void add(int32_t delta) {
        uint64_t after = state_.fetch_add(uint64_t(int64_t(delta)) << 32) + (uint64_t(int64_t(delta)) << 32);
        auto count = int32_t(after >> 32);
        if (after == 0 || (count > 0 && (count > delta || uint32_t(after) == 0))) [[likely]]
            return;
        settle(after, delta);
    }
    void done() {
        uint64_t after = state_.fetch_sub(kOne) - kOne;
        if (int64_t(after) >= int64_t(kOne) || after == 0) [[likely]]  // above zero, or nobody waits
            return;
        settle(after, -1);
    }
    // Returns when the count is zero.
    void wait() {
        if (state_.load() >> 32 == 0) return;
        wait_slow();
    }

    // add(1), a goroutine that calls f, done(). f and what it holds are destroyed before done(). goexit() in f counts as done; an
    // exception that leaves f does not, so that nobody slips out of wait() before the process has died of it (WG5).
    template <class F>
    void go(F&& f) {
        auto body = [this, held = std::decay_t<F>(std::forward<F>(f))]() mutable {
            try {
                auto run = std::move(held);
                run();
            } catch (...) {
                if (detail::ends_by_goexit()) done();
                throw;
            }
            done();
        };
        add(1);
        spawn_guard undo(this);
        gossamer::go(std::move(body));
        undo.group = nullptr;
    }

  private:
    static constexpr uint64_t kOne = uint64_t(1) << 32;

    struct spawn_guard {
        explicit spawn_guard(wait_group* g) : group(g) {}
        ~spawn_guard() {
            if (group != nullptr) group->done();
        }
        wait_group* group;
    };

    void settle(uint64_t after, int32_t delta);
    void wait_slow();

    static constexpr uint32_t kFirst = uint32_t(1) << 31;

    // The count in the upper half; in the lower kFirst, and how many wait besides the first.
    std::atomic<uint64_t> state_{0};
    std::atomic<rt::G*> first_{nullptr};
    rt::sync_waiter* others_ = nullptr;  // under the lock that runtime/park/sema.h names
};

}  // namespace gossamer
