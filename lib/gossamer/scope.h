// SPDX-License-Identifier: BSL-1.0
// scope: goroutines that end before the block does, so that they may use its variables by reference:
//     { scope s;  s.go([&] { left = sum(a); });  s.go([&] { right = sum(b); }); }   // both have ended here
// However the block is left, by its end, return, an exception or goexit(), the destructor waits for all children. An exception that
// leaves a child ends the process, as from any goroutine; one that is to be handled by the parent goes through an errgroup or a
// channel. Children may start further children in the scope.
#pragma once

#include <utility>

#include "gossamer/wait_group.h"

namespace gossamer {

class scope {
  public:
    scope() noexcept = default;
    scope(const scope&) = delete;
    scope& operator=(const scope&) = delete;
    ~scope() { children_.wait(); }

    // Starts f as a goroutine. It, and what it holds, is destroyed before the scope ends.
    template <class F>
    void go(F&& f) {
        children_.go(std::forward<F>(f));
    }
    // Waits for all children so far; the scope can be used on.
    void wait() { children_.wait(); }

  private:
    wait_group children_;
};

}  // namespace gossamer
