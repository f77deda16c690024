// SPDX-License-Identifier: BSL-1.0
// perfetto_reader: reads a Perfetto trace as its importer would, and says where it would stumble: names that were not given, tracks that were not
// described, ends without a beginning, arrows that end but do not begin.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "tools/gossamer/protobuf.h"

namespace insp::testing {

struct read_track {
    std::string name;
    uint64_t parent = 0;
    bool is_counter = false, is_thread = false, is_process = false;
    uint64_t pid = 0, tid = 0;
};

struct read_slice {
    std::string track, name;
    uint64_t begin = 0, end = 0;
    std::map<std::string, uint64_t> numbers;
    std::map<std::string, std::string> texts;
    std::vector<std::string> stack;  // outermost first
    uint64_t correlation = 0;
    unsigned depth = 0;
};

struct read_trace {
    std::map<uint64_t, read_track> tracks;
    std::vector<read_slice> slices, instants;
    std::map<std::string, std::vector<std::pair<uint64_t, int64_t>>> counters;  // by name of the track
    std::vector<std::pair<std::string, std::string>> arrows;                    // track to track
    std::vector<std::string> complaints;
    uint64_t packets = 0;
    uint64_t base_ns = 0;

    const read_slice* find(std::string_view track, std::string_view name) const {
        for (const auto* list : {&slices, &instants})
            for (const read_slice& s : *list)
                if (s.track == track && s.name == name) return &s;
        return nullptr;
    }
};

class perfetto_reader {
  public:
    read_trace run(std::string_view bytes) {
        pb_reader file(bytes);
        pb_field f;
        while (file.next(f)) {
            if (f.number != 1 || f.wire != 2) complain("a field of the file that is no packet");
            packet(f.bytes);
        }
        if (!file.ok()) complain("the file is cut short");
        for (auto& [track, open] : open_)
            if (!open.empty()) complain("a slice of " + out_.tracks[track].name + " does not end");
        return std::move(out_);
    }

  private:
    void complain(const std::string& what) {
        if (out_.complaints.size() < 20)
            out_.complaints.push_back("packet " + std::to_string(out_.packets) + ": " + what);
    }

    void packet(std::string_view bytes) {
        out_.packets++;
        uint64_t stamp = 0, flags = 0, sequence = 0;
        bool has_stamp = false;
        std::string_view event, track;
        pb_reader r(bytes);
        pb_field f;
        while (r.next(f)) {
            if (f.number == 8) {
                stamp = f.value;
                has_stamp = true;
            } else if (f.number == 10) {
                sequence = f.value;
            } else if (f.number == 13) {
                flags = f.value;
            } else if (f.number == 12) {
                interned(f.bytes);
            } else if (f.number == 60) {
                track = f.bytes;
            } else if (f.number == 11) {
                event = f.bytes;
            } else if (f.number == 6) {
                clocks(f.bytes);
            }
        }
        if (!r.ok()) complain("not a message");
        if (sequence != 1) complain("no sequence");
        if (out_.packets == 1 && (flags & 1) == 0) complain("the first packet does not clear the state");
        if (!track.empty()) descriptor(track);
        if (event.empty()) return;
        if (!has_stamp) complain("an event without a stamp");
        if ((flags & 2) == 0) complain("an event that does not say that it needs the names");
        now_ += stamp;
        track_event(event);
    }

    void clocks(std::string_view bytes) {
        pb_reader r(bytes);
        pb_field f;
        while (r.next(f)) {
            if (f.number != 1) continue;
            uint64_t id = 0, at = 0;
            pb_reader c(f.bytes);
            pb_field g;
            while (c.next(g)) (g.number == 1 ? id : at) = g.number <= 2 ? g.value : at;
            if (id == 3) out_.base_ns = at;
        }
    }

    void interned(std::string_view bytes) {
        pb_reader r(bytes);
        pb_field f;
        while (r.next(f)) {
            uint64_t iid = 0, function = 0;
            std::string text;
            std::vector<uint64_t> frames;
            pb_reader e(f.bytes);
            pb_field g;
            while (e.next(g)) {
                if (g.number == 1) iid = g.value;
                if (g.number == 2 && g.wire == 2) text = g.bytes;
                if (g.number == 2 && g.wire == 0) {
                    function = g.value;
                    frames.push_back(g.value);
                }
            }
            if (iid == 0) complain("a name without a number");
            if (f.number == 6) {
                if (!names_[5].count(function)) complain("a frame of an unknown function");
                text = names_[5][function];
            }
            if (f.number == 7) {
                for (uint64_t frame : frames) {
                    if (!names_[6].count(frame)) complain("a callstack with an unknown frame");
                    stacks_[iid].push_back(names_[6][frame]);
                }
            }
            if (!names_[f.number].emplace(iid, text).second) complain("a number for two names");
        }
    }

    void descriptor(std::string_view bytes) {
        uint64_t uuid = 0;
        read_track t;
        pb_reader r(bytes);
        pb_field f;
        while (r.next(f)) {
            if (f.number == 1) uuid = f.value;
            if (f.number == 2) t.name = f.bytes;
            if (f.number == 5) t.parent = f.value;
            if (f.number == 8) t.is_counter = true;
            if (f.number != 3 && f.number != 4) continue;
            (f.number == 3 ? t.is_process : t.is_thread) = true;
            pb_reader p(f.bytes);
            pb_field g;
            while (p.next(g)) {
                if (g.number == 1) t.pid = g.value;
                if (g.number == 2) t.tid = g.value;
                if (g.number == 5 || g.number == 6) t.name = g.bytes;
            }
        }
        if (uuid == 0) complain("a track without a number");
        if (t.parent != 0 && !out_.tracks.count(t.parent)) complain("a track below an unknown one");
        if (!out_.tracks.emplace(uuid, t).second) complain("two tracks of one number");
    }

    void annotation(std::string_view bytes, read_slice& s) {
        std::string name;
        pb_reader r(bytes);
        pb_field f;
        while (r.next(f)) {
            if (f.number == 1) {
                if (!names_[3].count(f.value)) complain("an unknown name of an annotation");
                name = names_[3][f.value];
            }
            if (f.number == 3 || f.number == 7) s.numbers[name] = f.value;
            if (f.number == 6) s.texts[name] = f.bytes;
        }
    }

    void track_event(std::string_view bytes) {
        uint64_t type = 0, track = 0;
        int64_t value = 0;
        std::vector<uint64_t> begins, ends;
        read_slice s;
        pb_reader r(bytes);
        pb_field f;
        while (r.next(f)) {
            if (f.number == 9) type = f.value;
            if (f.number == 11) track = f.value;
            if (f.number == 30) value = int64_t(f.value);
            if (f.number == 47) begins.push_back(f.value);
            if (f.number == 48) ends.push_back(f.value);
            if (f.number == 52) s.correlation = f.value;
            if (f.number == 4) annotation(f.bytes, s);
            if (f.number == 10) {
                if (!names_[2].count(f.value)) complain("an unknown name");
                s.name = names_[2][f.value];
            }
            if (f.number == 56) {
                if (!stacks_.count(f.value)) complain("an unknown callstack");
                s.stack = stacks_[f.value];
            }
        }
        if (!r.ok()) complain("not a message");
        auto known = out_.tracks.find(track);
        if (known == out_.tracks.end()) return complain("an event on an unknown track");
        s.track = known->second.name;
        if (known->second.is_counter != (type == 4)) complain("a counter on a track of slices, or the other way round");
        for (uint64_t flow : begins) flows_[flow] = s.track;
        for (uint64_t flow : ends) {
            if (!flows_.count(flow))
                complain("an arrow that ends and did not begin");
            else
                out_.arrows.emplace_back(flows_[flow], s.track);
            flows_.erase(flow);
        }
        place(type, track, value, std::move(s));
    }

    void place(uint64_t type, uint64_t track, int64_t value, read_slice s) {
        s.begin = s.end = now_;
        auto& open = open_[track];
        s.depth = unsigned(open.size());
        if (type == 1) {
            if (s.name.empty()) complain("a slice without a name");
            open.push_back(std::move(s));
        } else if (type == 2) {
            if (open.empty()) return complain("an end without a beginning on " + s.track);
            open.back().end = now_;
            open.back().texts.insert(s.texts.begin(), s.texts.end());
            out_.slices.push_back(std::move(open.back()));
            open.pop_back();
        } else if (type == 3) {
            out_.instants.push_back(std::move(s));
        } else if (type == 4) {
            out_.counters[s.track].emplace_back(now_, value);
        } else {
            complain("an event of no type");
        }
    }

    read_trace out_;
    uint64_t now_ = 0;
    std::map<uint32_t, std::map<uint64_t, std::string>> names_;  // by the field of InternedData
    std::map<uint64_t, std::vector<std::string>> stacks_;
    std::map<uint64_t, std::vector<read_slice>> open_;
    std::map<uint64_t, std::string> flows_;
};

}  // namespace insp::testing
