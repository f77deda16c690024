// SPDX-License-Identifier: BSL-1.0
// window_decode: from records to events, one thread after the other.
#pragma once

#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "tools/gossamer/events.h"
#include "tools/gossamer/rings.h"
#include "tools/gossamer/target.h"

namespace insp {

// What a create record tells of the new goroutine.
struct birth {
    uint64_t g = 0, creator = 0, invoke = 0, creator_pc = 0, name_at = 0;
};

// What all threads share.
class decoding {
  public:
    decoding(const target& t, trace_window& w, uint64_t since_ticks);
    uint32_t intern_text(std::string text);
    uint32_t intern_stack(const std::vector<uint64_t>& pcs);
    bool is_sane(int64_t ns) const { return ns >= earliest_ && ns <= latest_; }

    const target& t;
    trace_window& w;
    std::vector<birth> births;
    uint64_t nearby;     // ticks
    int64_t session_ns;  // what is older was recorded before the recorder was switched off and on again
    int64_t begin_ns;    // of the window
    int64_t oldest_ns;   // what is older is not wanted

  private:
    int64_t earliest_, latest_;
    std::unordered_map<std::string, uint32_t> texts_;
    std::unordered_map<std::string, uint32_t> stacks_;  // by the bytes of the pcs
};

// Appends the events of a ring to `out`, in the order in which they were written, ns never decreasing.
void decode_ring(decoding& d, const ring_copy& ring, uint32_t thread, std::vector<event>& out);

}  // namespace insp
