// SPDX-License-Identifier: BSL-1.0
// record: the tour's own recording, from its construction to its end.
#pragma once

#include <gossamer/runtime.h>

namespace tour {

// At the end: the scheduler's summary, and the name of the page that shows the recording.
class recording {
  public:
    recording();
    ~recording();
    recording(const recording&) = delete;
    recording& operator=(const recording&) = delete;

  private:
    gossamer::runtime::counters before_;
    bool on_;  // false: something else records already, or there is no box
};

}  // namespace tour
