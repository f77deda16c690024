// SPDX-License-Identifier: BSL-1.0
#include "tools/gossamer/go_check_bytes.h"

namespace insp::go {

namespace {

constexpr event_shape kShapes[] = {
    {nullptr, "", 0},
    {nullptr, "", 0},
    {nullptr, "", 0},
    {nullptr, "", 0},
    {nullptr, "", 0},
    {nullptr, "", 0},
    {nullptr, "", 0},
    {nullptr, "", 0},
    {nullptr, "", 0},
    {"ProcsChange", "nk", 0},
    {"ProcStart", "nn", 0},
    {"ProcStop", "", 0},
    {"ProcSteal", "nnn", 0},
    {"ProcStatus", "nn", 0},
    {"GoCreate", "nkk", 0},
    {"GoCreateSyscall", "n", 0},
    {"GoStart", "nn", 0},
    {"GoDestroy", "", 0},
    {"GoDestroySyscall", "", 0},
    {"GoStop", "sk", 0},
    {"GoBlock", "sk", 0},
    {"GoUnblock", "nnk", 0},
    {"GoSyscallBegin", "nk", 0},
    {"GoSyscallEnd", "", 0},
    {"GoSyscallEndBlocked", "", 0},
    {"GoStatus", "nnn", 0},
    {"STWBegin", "sk", 0},
    {"STWEnd", "", 0},
    {"GCActive", "n", 0},
    {"GCBegin", "nk", 0},
    {"GCEnd", "n", 0},
    {"GCSweepActive", "n", 0},
    {"GCSweepBegin", "k", 0},
    {"GCSweepEnd", "nn", 0},
    {"GCMarkAssistActive", "n", 0},
    {"GCMarkAssistBegin", "k", 0},
    {"GCMarkAssistEnd", "", 0},
    {"HeapAlloc", "n", 0},
    {"HeapGoal", "n", 0},
    {"GoLabel", "s", 0},
    {"UserTaskBegin", "nnsk", 0},
    {"UserTaskEnd", "nk", 0},
    {"UserRegionBegin", "nsk", 0},
    {"UserRegionEnd", "nsk", 0},
    {"UserLog", "nssk", 0},
    {"GoSwitch", "nn", 23},
    {"GoSwitchDestroy", "nn", 23},
    {"GoCreateBlocked", "nkk", 23},
    {"GoStatusStack", "nnnk", 23},
};

void read_strings(const batch& b, known_ids& ids) {
    cursor at = b.payload;
    at.byte("kind of batch");
    while (!at.done()) {
        size_t offset = at.at();
        if (uint8_t what = at.byte("string"); what != kString)
            throw refusal{"event " + std::to_string(what) + " among the strings", offset};
        uint64_t id = at.number("id of a string"), bytes = at.number("length of a string");
        if (bytes > kMostString) throw refusal{"a string of " + std::to_string(bytes) + " bytes; 1024 at most", offset};
        at.take(bytes, "a string");
        if (id == 0) throw refusal{"a string with id 0", offset};
        if (!ids.strings.add(id)) throw refusal{"string " + std::to_string(id) + " is there twice", offset};
    }
}

void read_stacks(const batch& b, known_ids& ids) {
    cursor at = b.payload;
    at.byte("kind of batch");
    while (!at.done()) {
        size_t offset = at.at();
        if (uint8_t what = at.byte("stack"); what != kStack)
            throw refusal{"event " + std::to_string(what) + " among the stacks", offset};
        uint64_t id = at.number("id of a stack"), frames = at.number("number of frames");
        if (id == 0) throw refusal{"a stack with id 0", offset};
        if (frames > kMostFrames)
            throw refusal{"a stack of " + std::to_string(frames) + " frames; 128 at most", offset};
        for (uint64_t i = 0; i < frames; i++) {
            at.number("pc");
            for (const char* what : {"function of a frame", "file of a frame"}) {
                size_t here = at.at();
                uint64_t string = at.number(what);
                if (string != 0 && !ids.strings.has(string))
                    throw refusal{std::string(what) + ": there is no string " + std::to_string(string), here};
            }
            at.number("line of a frame");
        }
        if (!ids.stacks.add(id)) throw refusal{"stack " + std::to_string(id) + " is there twice", offset};
    }
}

void read_samples(const batch& b, known_ids& ids) {
    cursor at = b.payload;
    at.byte("kind of batch");
    while (!at.done()) {
        size_t offset = at.at();
        if (uint8_t what = at.byte("sample"); what != kSample)
            throw refusal{"event " + std::to_string(what) + " among the samples", offset};
        for (int i = 0; i < 4; i++) at.number("sample");
        uint64_t stack = at.number("stack of a sample");
        if (stack != 0 && !ids.stacks.has(stack))
            throw refusal{"a sample: there is no stack " + std::to_string(stack), offset};
        ids.samples++;
    }
}

void read_sync(const generation& gen, int version, known_ids& ids) {
    unsigned frequencies = 0, clocks = 0;
    size_t last = gen.offset;
    for (const batch& b : gen.sync) {
        cursor at = b.payload;
        last = at.at();
        if (version >= 25 && at.byte("kind of batch") != kSync) throw refusal{"not a sync batch", last};
        while (!at.done()) {
            size_t offset = at.at();
            uint8_t what = at.byte("sync event");
            if (what == kFrequency) {
                uint64_t frequency = at.number("frequency");
                if (frequency == 0) throw refusal{"a clock of frequency 0", offset};
                ids.ns_per_unit = 1e9 / double(frequency);
                if (++frequencies > 1) throw refusal{"two frequencies in one generation", offset};
            } else if (what == kClock && version >= 25) {
                for (int i = 0; i < 4; i++) at.number("clock snapshot");
                if (++clocks > 1) throw refusal{"two clock snapshots in one generation", offset};
            } else {
                throw refusal{"event " + std::to_string(what) + " in a sync batch", offset};
            }
        }
    }
    if (frequencies == 0) throw refusal{"no frequency in generation " + std::to_string(gen.number), last};
    if (version >= 25 && clocks == 0)
        throw refusal{"no clock snapshot in generation " + std::to_string(gen.number), last};
}

}  // namespace

const event_shape& shape_of(uint8_t what) { return kShapes[what < std::size(kShapes) ? what : 0]; }

known_ids read_tables(const generation& gen, int version) {
    known_ids ids;
    for (const batch& b : gen.strings) read_strings(b, ids);
    for (const batch& b : gen.stacks) read_stacks(b, ids);
    for (const batch& b : gen.samples) read_samples(b, ids);
    read_sync(gen, version, ids);
    return ids;
}

}  // namespace insp::go
