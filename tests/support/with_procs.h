// SPDX-License-Identifier: BSL-1.0
// with_procs: so many processors for as long as it lives, then as many as before.
#pragma once

#include "gossamer/runtime.h"

namespace tests {

class with_procs {
  public:
    explicit with_procs(int n) : before_(gossamer::runtime::set_procs(n)) {}
    with_procs(const with_procs&) = delete;
    with_procs& operator=(const with_procs&) = delete;
    ~with_procs() { gossamer::runtime::set_procs(int(before_)); }

  private:
    unsigned before_;
};

}  // namespace tests
