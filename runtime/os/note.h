// SPDX-License-Identifier: BSL-1.0
// note: one sleeper, one wake-up, in any order. A wake before the sleep is kept.
// Called by / on: sleep() only by the note's owner thread; wake() by anybody.
#pragma once

#include "runtime/os/os.h"

namespace gossamer::rt {

class note {
  public:
    // Returns when woken (true) or after timeout_ns (false; < 0: never). Consumes the wake.
    bool sleep(int64_t timeout_ns = -1);
    void wake();

  private:
    atomic<uint32_t> woken_{0};
};

}  // namespace gossamer::rt
