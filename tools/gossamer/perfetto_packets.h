// SPDX-License-Identifier: BSL-1.0
// perfetto_packets: the packets of a Perfetto trace as bytes: stamps as differences, names once, tracks. What they say is perfetto.cc's business.
#pragma once

#include <cstdio>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "tools/gossamer/events.h"
#include "tools/gossamer/protobuf.h"

namespace insp {

// Field numbers of Perfetto's messages.
namespace pf {
inline constexpr uint32_t kPacket = 1;
namespace packet {
inline constexpr uint32_t kClockSnapshot = 6, kTimestamp = 8, kSequence = 10, kTrackEvent = 11, kInterned = 12,
                          kFlags = 13, kDefaults = 59, kTrackDescriptor = 60, kFirst = 87;
}
namespace interned {
inline constexpr uint32_t kEventNames = 2, kAnnotationNames = 3, kFunctionNames = 5, kFrames = 6, kCallstacks = 7,
                          kSourcePaths = 18;
}
namespace event {
inline constexpr uint32_t kAnnotation = 4, kType = 9, kNameIid = 10, kTrack = 11, kCounterValue = 30, kFlow = 47,
                          kFlowEnd = 48, kCorrelation = 52, kCallstackIid = 56;
enum type : uint32_t { begin = 1, end = 2, instant = 3, counter = 4 };
}  // namespace event
namespace track {
inline constexpr uint32_t kUuid = 1, kName = 2, kProcess = 3, kThread = 4, kParent = 5, kCounter = 8, kOrdering = 11,
                          kRank = 12, kMerge = 15;
}
}  // namespace pf

struct annotation {
    enum class type : uint8_t { number, pointer, text } kind = type::number;
    const char* name = "";
    uint64_t value = 0;
    std::string_view text = {};
};

// What goes into a track event besides its type and track.
struct event_words {
    std::string_view name = {};
    uint64_t flow = 0, flow_end = 0;  // 0: none
    uint64_t correlation = 0;
    uint64_t callstack = 0;  // of callstacks(); 0: none
    std::initializer_list<annotation> notes = {};
};

class perfetto_packets {
  public:
    // The stamps of events are nanoseconds since the window began and never decrease.
    perfetto_packets(const trace_window& w, FILE* out);

    struct track {
        std::string name;
        uint64_t parent = 0;
        enum class type : uint8_t { plain, process, thread, counter } kind = type::plain;
        uint64_t tid = 0;            // of a thread
        uint32_t order_of_kids = 0;  // 1 by name, 2 by first event, 3 by rank
        int64_t rank = -1;
    };
    uint64_t add_track(const track& t);  // its uuid, 1 and up

    void event(uint64_t ns, pf::event::type type, uint64_t track, const event_words& words = {});
    void counter(uint64_t ns, uint64_t track, int64_t value);
    // Of trace_window::stacks, or of one pc when there is no stack; 0: nothing known.
    uint64_t callstack(uint32_t stack, uint64_t pc);

    void finish();  // throws error when the file cannot be written
    uint64_t packets() const { return packets_; }

  private:
    size_t begin_packet();
    void end_packet(size_t mark);
    void first_packet();
    void write_words(const event_words& words, uint64_t name);
    uint64_t intern(std::unordered_map<std::string, uint64_t>& table, uint32_t field, std::string_view text);
    uint64_t annotation_name(const char* name);
    void frames_of(uint64_t pc, std::vector<uint64_t>& frames);
    void flush(size_t over);

    const trace_window& w_;
    FILE* out_;
    std::string bytes_;
    pb_writer pb_{bytes_};
    // Names that no packet has carried yet: they go out with the next event.
    std::string fresh_;
    pb_writer fresh_pb_{fresh_};
    std::unordered_map<std::string, uint64_t> event_names_, functions_, files_;
    std::string last_name_;
    uint64_t last_iid_ = 0;
    std::vector<std::pair<const char*, uint64_t>> annotation_names_;
    std::unordered_map<uint64_t, uint64_t> stack_of_stack_, stack_of_pc_;
    std::unordered_map<uint64_t, std::vector<uint64_t>> frames_of_pc_;
    uint64_t next_frame_ = 1, next_callstack_ = 1;
    uint64_t next_track_ = 1;
    uint64_t last_ns_ = 0;
    uint64_t packets_ = 0;
};

}  // namespace insp
