// SPDX-License-Identifier: BSL-1.0
// phases: tells a window as a story in time: what each goroutine was doing from when to when, and who ran on each processor. The exporters for
// pictures listen to it.
// Invariants, whatever the window says (records may be lost, or it may be a fake):
//   1 Times never decrease; what was open is closed at the end.
//   2 A goroutine is in one phase at a time, a processor runs one goroutine at a time: the old is closed before the new begins.
#pragma once

#include <vector>

#include "tools/gossamer/events.h"

namespace insp {

enum class phase : uint8_t {
    none,      // not yet created, ended, or nothing known
    runnable,  // wants a processor
    running,   // has one
    calling,   // in a blocking call, without a processor
    waiting,
};

inline constexpr uint32_t kNobody = UINT32_MAX;

// The goroutines of a window by small numbers, in the order in which events name them.
struct cast {
    struct member {
        uint64_t id = 0;
        const traced_goroutine* known = nullptr;  // null: an event names it, the table does not
        uint32_t events = 0;                      // how many of them are about it
        phase first = phase::none;                // what it was doing when the window began
    };
    std::vector<member> members;
    std::vector<uint32_t> of_g, of_by;  // for each event: who event::g and event::by are; kNobody

    explicit cast(const trace_window& w);
    // "goroutine" when nothing better is known.
    std::string_view name(uint32_t g) const;
    // The `most` about whom the most events are (of equals, those named first): [g] says whether g is one of them.
    std::vector<bool> busiest(size_t most) const;
};

class listener {
  public:
    virtual ~listener() = default;
    // `why` is null when it was so already as the window began, or is still so as it ends.
    virtual void begin_phase(uint32_t g, phase what, uint64_t ns, const event* why) = 0;
    virtual void end_phase(uint32_t g, phase what, uint64_t begin, uint64_t ns, const event* why) = 0;
    virtual void begin_run(uint32_t p, uint32_t g, uint64_t ns, const event* why) = 0;
    virtual void end_run(uint32_t p, uint32_t g, uint64_t begin, uint64_t ns, const event* why) = 0;
    // Each event: before the changes that it makes.
    virtual void happen(size_t number, const event& e, uint32_t g, uint32_t by, uint64_t ns) = 0;
};

// Times are nanoseconds since the window began. Returns its length.
uint64_t tell(const trace_window& w, const cast& who, listener& to);

// Processors that the window names: numbers above it are taken for nonsense.
inline constexpr int32_t kMostProcessors = 1 << 16;

}  // namespace insp
