// SPDX-License-Identifier: BSL-1.0
#include "tools/gossamer/perfetto_packets.h"

#include <algorithm>
#include <cerrno>

#include "tools/gossamer/target.h"
#include "tools/gossamer/utf8.h"

namespace insp {

namespace {

constexpr size_t kFlushBytes = 1 << 20;
constexpr size_t kDeepest = 128;  // frames of a stack that are written
constexpr uint32_t kMonotonic = 3, kRealtime = 1;
constexpr uint32_t kOwnClock = 64;  // counts differences; private to this sequence

[[noreturn]] void cannot_write() {
    throw error("gossamer: " + running_command + ": cannot write the output: " + std::strerror(errno));
}

}  // namespace

perfetto_packets::perfetto_packets(const trace_window& w, FILE* out) : w_(w), out_(out) { first_packet(); }

size_t perfetto_packets::begin_packet() {
    packets_++;
    return pb_.begin(pf::kPacket);
}

void perfetto_packets::end_packet(size_t mark) {
    pb_.number(pf::packet::kSequence, 1);
    pb_.end(mark);
    flush(kFlushBytes);
}

// Says which clock is which. Every later packet counts from the one before it, beginning here.
void perfetto_packets::first_packet() {
    size_t packet = begin_packet();
    pb_.number(pf::packet::kFlags, 1);
    pb_.number(pf::packet::kFirst, 1);
    size_t snapshot = pb_.begin(pf::packet::kClockSnapshot);
    auto clock = [&](uint32_t id, int64_t ns) {
        size_t c = pb_.begin(1);
        pb_.number(1, id);
        pb_.number(2, uint64_t(std::max<int64_t>(ns, 0)));
        if (id == kOwnClock) pb_.number(3, 1);
        pb_.end(c);
    };
    clock(kMonotonic, w_.begin_ns);
    clock(kRealtime, w_.begin_real_ns);
    clock(kOwnClock, 0);
    pb_.number(2, kMonotonic);
    pb_.end(snapshot);
    size_t defaults = pb_.begin(pf::packet::kDefaults);
    pb_.number(58, kOwnClock);
    pb_.end(defaults);
    end_packet(packet);
}

uint64_t perfetto_packets::add_track(const track& t) {
    uint64_t uuid = next_track_++;
    std::string name = valid_utf8(t.name);
    size_t packet = begin_packet();
    size_t d = pb_.begin(pf::packet::kTrackDescriptor);
    pb_.number(pf::track::kUuid, uuid);
    if (t.parent != 0) pb_.number(pf::track::kParent, t.parent);
    if (t.kind == track::type::process) {
        size_t process = pb_.begin(pf::track::kProcess);
        pb_.number(1, w_.pid);
        pb_.string(6, name);
        pb_.end(process);
    } else if (t.kind == track::type::thread) {
        size_t thread = pb_.begin(pf::track::kThread);
        pb_.number(1, w_.pid);
        pb_.number(2, t.tid);
        pb_.string(5, name);
        pb_.end(thread);
    } else {
        pb_.string(pf::track::kName, name);
        // Tracks of the same name would become one otherwise.
        pb_.number(pf::track::kMerge, 2);
    }
    if (t.kind == track::type::counter) {
        size_t counter = pb_.begin(pf::track::kCounter);
        pb_.number(3, 2);
        pb_.end(counter);
    }
    if (t.order_of_kids != 0) pb_.number(pf::track::kOrdering, t.order_of_kids);
    if (t.rank >= 0) pb_.number(pf::track::kRank, uint64_t(t.rank));
    pb_.end(d);
    end_packet(packet);
    return uuid;
}

uint64_t perfetto_packets::intern(std::unordered_map<std::string, uint64_t>& table, uint32_t field,
                                  std::string_view text) {
    auto [at, is_new] = table.try_emplace(std::string(text), table.size() + 1);
    if (is_new) {
        size_t entry = fresh_pb_.begin(field);
        fresh_pb_.number(1, at->second);
        fresh_pb_.string(2, valid_utf8(text));
        fresh_pb_.end(entry);
    }
    return at->second;
}

uint64_t perfetto_packets::annotation_name(const char* name) {
    for (auto& [known, iid] : annotation_names_)
        if (std::string_view(known) == name) return iid;
    annotation_names_.emplace_back(name, annotation_names_.size() + 1);
    size_t entry = fresh_pb_.begin(pf::interned::kAnnotationNames);
    fresh_pb_.number(1, annotation_names_.size());
    fresh_pb_.string(2, name);
    fresh_pb_.end(entry);
    return annotation_names_.size();
}

// Innermost first, as the inlined ones come; unknown addresses are shown as numbers.
void perfetto_packets::frames_of(uint64_t pc, std::vector<uint64_t>& frames) {
    auto [at, is_new] = frames_of_pc_.try_emplace(pc);
    if (is_new) {
        std::vector<pc_name> names;
        if (auto known = w_.names.find(pc); known != w_.names.end()) names = known->second;
        if (names.empty()) {
            char hex[24];
            std::snprintf(hex, sizeof hex, "0x%llx", static_cast<unsigned long long>(pc));
            names.push_back({hex, "", 0});
        }
        for (const pc_name& n : names) {
            uint64_t function = intern(functions_, pf::interned::kFunctionNames, n.function);
            uint64_t file = n.file.empty() ? 0 : intern(files_, pf::interned::kSourcePaths, n.file);
            size_t frame = fresh_pb_.begin(pf::interned::kFrames);
            fresh_pb_.number(1, next_frame_);
            fresh_pb_.number(2, function);
            if (file != 0) fresh_pb_.number(5, file);
            if (n.line > 0) fresh_pb_.number(6, uint64_t(n.line));
            fresh_pb_.end(frame);
            at->second.push_back(next_frame_++);
        }
    }
    frames.insert(frames.end(), at->second.begin(), at->second.end());
}

uint64_t perfetto_packets::callstack(uint32_t stack, uint64_t pc) {
    bool whole = stack != 0 && stack < w_.stacks.size() && !w_.stacks[stack].empty();
    if (!whole && pc == 0) return 0;
    auto [at, is_new] =
        whole ? stack_of_stack_.try_emplace(stack, next_callstack_) : stack_of_pc_.try_emplace(pc, next_callstack_);
    if (!is_new) return at->second;
    next_callstack_++;
    std::vector<uint64_t> frames;
    if (whole)
        for (size_t i = 0; i < std::min(w_.stacks[stack].size(), kDeepest); i++) frames_of(w_.stacks[stack][i], frames);
    else
        frames_of(pc, frames);
    size_t entry = fresh_pb_.begin(pf::interned::kCallstacks);
    fresh_pb_.number(1, at->second);
    for (size_t i = frames.size(); i-- > 0;) fresh_pb_.number(2, frames[i]);  // outermost first
    fresh_pb_.end(entry);
    return at->second;
}

void perfetto_packets::write_words(const event_words& words, uint64_t name) {
    if (name != 0) pb_.number(pf::event::kNameIid, name);
    if (words.flow != 0) pb_.fixed64(pf::event::kFlow, words.flow);
    if (words.flow_end != 0) pb_.fixed64(pf::event::kFlowEnd, words.flow_end);
    if (words.correlation != 0) pb_.number(pf::event::kCorrelation, words.correlation);
    if (words.callstack != 0) pb_.number(pf::event::kCallstackIid, words.callstack);
    for (const annotation& a : words.notes) {
        if (a.value == 0 && a.text.empty()) continue;
        size_t note = pb_.begin(pf::event::kAnnotation);
        pb_.number(1, annotation_name(a.name));
        if (a.kind == annotation::type::text)
            pb_.string(6, valid_utf8(a.text));
        else
            pb_.number(a.kind == annotation::type::pointer ? 7 : 3, a.value);
        pb_.end(note);
    }
}

void perfetto_packets::event(uint64_t ns, pf::event::type type, uint64_t track, const event_words& words) {
    // The same name often comes several times in a row.
    if (!words.name.empty() && words.name != last_name_) {
        last_iid_ = intern(event_names_, pf::interned::kEventNames, words.name);
        last_name_ = words.name;
    }
    size_t packet = begin_packet();
    pb_.number(pf::packet::kTimestamp, ns - last_ns_);
    last_ns_ = ns;
    pb_.number(pf::packet::kFlags, 2);
    size_t e = pb_.begin(pf::packet::kTrackEvent);
    pb_.number(pf::event::kType, type);
    pb_.number(pf::event::kTrack, track);
    write_words(words, words.name.empty() ? 0 : last_iid_);
    pb_.end(e);
    if (!fresh_.empty()) {
        pb_.string(pf::packet::kInterned, fresh_);
        fresh_.clear();
    }
    end_packet(packet);
}

void perfetto_packets::counter(uint64_t ns, uint64_t track, int64_t value) {
    size_t packet = begin_packet();
    pb_.number(pf::packet::kTimestamp, ns - last_ns_);
    last_ns_ = ns;
    pb_.number(pf::packet::kFlags, 2);
    size_t e = pb_.begin(pf::packet::kTrackEvent);
    pb_.number(pf::event::kType, pf::event::counter);
    pb_.number(pf::event::kTrack, track);
    pb_.number(pf::event::kCounterValue, uint64_t(value));
    pb_.end(e);
    end_packet(packet);
}

void perfetto_packets::flush(size_t over) {
    if (bytes_.size() <= over) return;
    if (std::fwrite(bytes_.data(), 1, bytes_.size(), out_) != bytes_.size()) cannot_write();
    bytes_.clear();
}

void perfetto_packets::finish() {
    flush(0);
    if (std::fflush(out_) != 0) cannot_write();
}

}  // namespace insp
